import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCollision } from './errors';

const MAX_TRIES = 6;
const WAIT_MS = 30;

/**
 * Does `work`, a whole transaction, again when PostgreSQL ended it in favour of another: after a deadlock or a
 * serialization failure nothing of it was stored (PostgreSQL documentation 13.5). Rejects with the last collision after
 * 6 tries, and with any other error at once.
 */
export async function retryCollisions<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === MAX_TRIES || !isCollision(error)) throw error;
      await sleep(tries * randomInt(WAIT_MS, 2 * WAIT_MS));
    }
  }
}
