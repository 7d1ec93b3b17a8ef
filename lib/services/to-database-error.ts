import { AppError } from '@/lib/core/errors';
import { isCollision, isDatabaseAway, isUnstorable } from '@/lib/db/errors';

/** A restart of PostgreSQL takes about as long, seconds. */
const AWAY_RETRY_S = 5;

/**
 * An error of the database that a person can do something about, in words: `unavailable` (with a time to try again)
 * while it does not answer or has too much to do, `invalid` for text that it cannot hold. Null for every other error.
 */
export function toDatabaseError(error: unknown): AppError | null {
  if (isDatabaseAway(error)) {
    return new AppError(
      'unavailable',
      'The database does not answer. Try again in a few seconds, and look first at what was done.',
      { cause: error, retryAfterS: AWAY_RETRY_S },
    );
  }
  if (isCollision(error)) {
    return new AppError('unavailable', 'Too much changes this at once. Nothing was done; try again.', {
      cause: error,
      retryAfterS: 1,
    });
  }
  if (isUnstorable(error)) {
    return new AppError('invalid', 'input: holds a character that cannot be stored.', { cause: error });
  }
  return null;
}
