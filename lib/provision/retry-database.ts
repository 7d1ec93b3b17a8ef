import { isDatabaseAway } from '@/lib/db/errors';
import type { Clock } from './clock';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

/** SQLSTATEs of work that only met other work: serialization failure, deadlock, lock not available. */
const COLLISIONS = ['40001', '40P01', '55P03'];

/** True for an error that says nothing about the work itself: the same again may well succeed. */
function isPassing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return isDatabaseAway(error) || (typeof code === 'string' && COLLISIONS.includes(code));
}

/**
 * Repeats `work` while the database is away or busy with others: that costs time, never a run. `work` must bear being
 * repeated. Any other error (StaleEpochError, a row that the schema refuses) would come again for ever and rejects at
 * once, as the signal's reason does.
 */
export async function retryDatabase<T>(
  work: (isRetry: boolean) => Promise<T>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T> {
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)) {
    signal.throwIfAborted();
    try {
      return await work(retryMs > FIRST_RETRY_MS);
    } catch (error) {
      if (!isPassing(error)) throw error;
      await clock.sleep(retryMs, signal);
    }
  }
}
