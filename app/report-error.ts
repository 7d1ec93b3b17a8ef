import { ZodError } from 'zod';
import type { AppError } from '@/lib/core/errors';
import { AppError as AppErrorClass, isAppError } from '@/lib/core/errors';
import type { Logger } from '@/lib/log/logger';
import { createLogger } from '@/lib/log/logger';
import { toInvalid } from '@/lib/services/parse-input';
import { toDatabaseError } from '@/lib/services/to-database-error';

let log: Logger | undefined;

/** The web process's log, made on first use: a build must not need an environment. */
export function webLog(): Logger {
  log ??= createLogger('web');
  return log;
}

/**
 * Any error as one that a person may see. Ours pass; every other becomes one sentence, and its cause goes to the log
 * under the request's id.
 */
export function toShownError(thrown: unknown, context: { requestId: string; entry: string }): AppError {
  const error = isAppError(thrown) ? thrown : (toDatabaseError(thrown) ?? thrown);
  if (isAppError(error)) {
    if (error.code === 'internal' || error.code === 'unavailable')
      webLog().error({ err: error, ...context }, error.message);
    return error;
  }
  if (error instanceof ZodError) return toInvalid(error);
  webLog().error({ err: error, ...context }, 'request failed');
  const id = context.requestId ? ` The log has more under ${context.requestId}.` : '';
  return new AppErrorClass(
    'internal',
    `The server could not finish this and does not know why. Reload to see what was done.${id}`,
    {
      cause: error,
    },
  );
}
