import { StaleEpochError } from '@/lib/db/errors';
import type { Clock } from './clock';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

/**
 * Repeats `work` until the database lets it through: a database that goes away costs time, never a run. `work` must
 * bear being repeated. Rejects with StaleEpochError at once, and with the signal's reason.
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
      if (error instanceof StaleEpochError) throw error;
      await clock.sleep(retryMs, signal);
    }
  }
}
