import type { Failure, FailureCode } from '@/lib/core/failure';

/** Work on a host that failed, with its cause in words. `cause` is for the log only. */
export class HostError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options: { cause?: unknown } = {}) {
    super(failure.message, options);
    this.name = 'HostError';
    this.failure = failure;
  }

  get code(): FailureCode {
    return this.failure.code;
  }
}
