import { AppError } from '@/lib/core/errors';

const PER_MINUTE = 600;
const WINDOW_MS = 60_000;
const KEY = Symbol.for('siteplan.api-rate');

interface Window {
  startedMs: number;
  count: number;
}

/** On `globalThis`, because Next bundles this module once per kind of route. */
function windows(): Map<string, Window> {
  const holder = globalThis as { [KEY]?: Map<string, Window> }; // the symbol is ours alone
  holder[KEY] ??= new Map();
  return holder[KEY];
}

/**
 * Counts one API request of a person; throws `too-many` beyond 600 a minute (S26). Kept in memory, so each web process counts for itself: a
 * write to the database per read would cost more than what it protects.
 */
export function takeApiRate(userId: string, nowMs = Date.now()): void {
  const all = windows();
  const known = all.get(userId);
  const window = known && nowMs - known.startedMs < WINDOW_MS ? known : { startedMs: nowMs, count: 0 };
  window.count += 1;
  if (window !== known) {
    if (all.size > 10_000) all.clear();
    all.set(userId, window);
  }
  if (window.count <= PER_MINUTE) return;
  const retryAfterS = Math.ceil((window.startedMs + WINDOW_MS - nowMs) / 1_000);
  throw new AppError(
    'too-many',
    `More than ${PER_MINUTE} requests in a minute. Try again in ${retryAfterS} s.`,
    { retryAfterS },
  );
}
