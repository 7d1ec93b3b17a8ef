/** Limits of history and queue, enforced and shown ("Runs" in the README): beyond them work is refused or cut with a mark. */
export const RUN_LIMITS = {
  stepsPerRun: 500,
  logBytesPerRun: 256 * 1024 * 1024,
  runsKept: 10_000,
  queuedRuns: 2_000,
} as const;
