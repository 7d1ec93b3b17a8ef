/** A write of a worker that no longer owns the run or site: it must stop at once and change nothing. */
export class StaleEpochError extends Error {
  constructor(what: string) {
    super(`${what} belongs to a newer epoch`);
    this.name = 'StaleEpochError';
  }
}

/** SQLSTATE classes of a server that is away or going: connection exceptions, operator intervention, resources. */
const AWAY = /^(08|57P|53)/;
const AWAY_CODES = ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'P1001', 'P1002', 'P1017'];

/** True for errors that pass when PostgreSQL is back; the work is then done again by whoever owns it. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
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
