import { AppError } from '@/lib/core/errors';

/** The refusal of a password or code after too many tries. */
export function toTooMany(retryAfterS: number): AppError {
  return new AppError('too-many', `Too many tries. Wait ${retryAfterS} s, then try again.`, { retryAfterS });
}
