import type { Failure } from '@/lib/core/failure';
import { isAppError } from '@/lib/core/errors';
import { isDatabaseAway } from '@/lib/db/errors';
import { HostError } from '@/lib/ssh/host-error';
import type { WorkerContext } from './worker-context';

/**
 * True for an error that passes when the database is back: the work is left to whoever owns it next. A host that is
 * away ends in the same socket errors, and is none.
 */
export function isForLater(error: unknown): boolean {
  return !(error instanceof HostError) && isDatabaseAway(error);
}

/** Any error as a failure in words; what we did not foresee goes to the log, with its cause, and only there. */
export function toFailure(context: Pick<WorkerContext, 'log'>, error: unknown): Failure {
  if (error instanceof HostError) return error.failure;
  if (isAppError(error)) {
    return { code: 'internal', message: error.message, nextAction: 'Mend what it names, then try again.' };
  }
  context.log.error({ err: error }, 'unexpected error');
  if (isForLater(error)) {
    return {
      code: 'internal',
      message: 'The worker lost its database in the middle of this.',
      nextAction: 'Try again once the database is back.',
    };
  }
  return {
    code: 'internal',
    message: 'The worker could not go on and does not know why.',
    nextAction: 'Try again; if it happens again, the worker log has the cause.',
  };
}
