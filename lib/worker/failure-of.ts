import type { Failure } from '@/lib/core/failure';
import { isAppError } from '@/lib/core/errors';
import { HostError } from '@/lib/ssh/host-error';
import type { WorkerContext } from './worker-context';

/** Any error as a failure in words; what we did not foresee goes to the log, with its cause, and only there. */
export function toFailure(context: WorkerContext, error: unknown): Failure {
  if (error instanceof HostError) return error.failure;
  if (isAppError(error)) {
    return { code: 'internal', message: error.message, nextAction: 'Mend what it names, then try again.' };
  }
  context.log.error({ err: error }, 'unexpected error');
  return {
    code: 'internal',
    message: 'The worker could not go on and does not know why.',
    nextAction: 'Try again; if it happens again, the worker log has the cause.',
  };
}
