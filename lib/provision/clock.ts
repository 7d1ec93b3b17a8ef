import { setTimeout as delay } from 'node:timers/promises';

/** Time as the engine sees it. */
export interface Clock {
  /** Milliseconds; only differences count. */
  readonly now: () => number;
  /** Rejects when the signal fires. */
  readonly sleep: (durationMs: number, signal?: AbortSignal) => Promise<void>;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (durationMs, signal) => delay(durationMs, undefined, signal ? { signal } : {}),
};
