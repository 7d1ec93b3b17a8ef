/** A write of a worker that no longer owns the run or site: it must stop at once and change nothing. */
export class StaleEpochError extends Error {
  constructor(what: string) {
    super(`${what} belongs to a newer epoch`);
    this.name = 'StaleEpochError';
  }
}

/** An act was not to begin any more: somebody had asked for the end of the run. Nothing was changed. */
export class CancelRequestedError extends Error {
  constructor(runId: string) {
    super(`run ${runId} is to be cancelled`);
    this.name = 'CancelRequestedError';
  }
}

/**
 * SQLSTATE classes of a server that is away or going: connection exceptions, operator intervention, resources, and a
 * transaction that was left alone for too long.
 */
const AWAY = /^(08|57P|53|25P03)/;
/** What the client says of a query whose answer did not come in time. */
const NO_ANSWER = 'Query read timeout';
const AWAY_CODES = ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'P1001', 'P1002', 'P1017'];

/** True where a query got no answer: its connection is of no use any more, and whether it was done is unknown. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === NO_ANSWER;
}

/** True for errors that pass when PostgreSQL is back; the work is then done again by whoever owns it. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isUnanswered(error)) return true;
  if (
    /Connection terminated|not queryable|timeout exceeded when trying to connect|Can't reach database/.test(
      error.message,
    )
  ) {
    return true;
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return AWAY.test(code) || AWAY_CODES.includes(code) || isDatabaseAway(error.cause);
}
