const FIRST_MS = 1_000;
const MAX_MS = 30_000;

/**
 * Milliseconds before try number `attempt` (from 1) to reach a host again: doubling from 1 s to 30 s, minus up to a
 * fifth by `random` in [0, 1), so that many workers do not knock at the same moment.
 */
export function toBackoffMs(attempt: number, random: number): number {
  const full = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(Math.max(attempt, 1) - 1, 20));
  return Math.round(full * (1 - random / 5));
}
