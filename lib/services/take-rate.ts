import { AppError } from '@/lib/core/errors';
import { takeFromRate } from '@/lib/db/rate-limit';
import type { ServiceContext } from './context';

/** Counts one use of something limited; throws `too-many` beyond `limit` per window (S26). */
export async function takeRate(
  ctx: ServiceContext,
  rate: { key: string; limit: number; windowS: number },
): Promise<void> {
  const { allowed, retryAfterS } = await takeFromRate(ctx.db.pool, rate);
  if (allowed) return;
  throw new AppError('too-many', `That was too often. Try again in ${retryAfterS} s.`, { retryAfterS });
}
