/**
 * Limits of runs and their history, the one place for them (reliability I12). Beyond them work is refused in words or
 * history is cut with a mark: plans by the plan job, queues by `create-run`, logs by the engine, history by the chores.
 */
export const RUN_LIMITS = {
  /** Steps of one plan and so of one run. */
  maxSteps: 500,
  /** Bytes of step output that one run keeps; what comes after is counted and hashed, not stored. */
  maxLogBytes: 256 * 1024 * 1024,
  /** Bytes of step output that all runs keep together; the logs of the oldest runs go first. */
  maxLogBytesKept: 16 * 1024 * 1024 * 1024,
  /** Ended runs that are kept; the oldest go first. */
  maxRunsKept: 10_000,
  /** Runs that may wait at once, over all sites. */
  maxQueuedRuns: 2_000,
  /** Characters of the reason for skipping a step. */
  minReason: 10,
  maxReason: 500,
} as const;
