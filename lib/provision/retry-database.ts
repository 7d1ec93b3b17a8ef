import { isCollision, isDatabaseAway } from '@/lib/db/errors';
import type { Clock } from './clock';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 1_000;

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
      if (!isDatabaseAway(error) && !isCollision(error)) throw error;
      await clock.sleep(retryMs, signal);
    }
  }
}
