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
/** The same as socket errors, Prisma's codes, and the kinds of errors of its adapter. */
const AWAY_CODES = [
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOENT',
    'EPIPE',
    'ETIMEDOUT',
    'P1001',
    'P1002',
    'P1008',
    'P1017',
    'P2037',
  ],
  ...['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections'],
];
const AWAY_WORDS =
  /Connection terminated|not queryable|timeout exceeded when trying to connect|Can't reach database|Unable to start a transaction/;
/** SQLSTATEs (and Prisma's code) of work that only met other work: serialization failure, deadlock, lock not available. */
const COLLISIONS = ['40001', '40P01', '55P03', 'P2034'];
/** SQLSTATEs of text that PostgreSQL cannot hold: not a character of the encoding (NUL), no such character in JSON. */
const UNSTORABLE = ['22021', '22P05'];

/** An error and what it wraps, outermost first: Prisma keeps the server's own error under `meta`. */
function* unwrap(error: unknown): Generator<Readonly<Record<string, unknown>>> {
  let next = error;
  for (let depth = 0; depth < 8 && typeof next === 'object' && next !== null; depth += 1) {
    const layer = next as Readonly<Record<string, unknown>>; // any object's fields, each unknown
    yield layer;
    const { meta, cause } = layer;
    next = typeof meta === 'object' && meta && 'driverAdapterError' in meta ? meta.driverAdapterError : cause;
  }
}

/** A socket that is not there; any other file that is missing says nothing about the database. */
const isOtherFile = ({ code, syscall }: Readonly<Record<string, unknown>>): boolean =>
  code === 'ENOENT' && syscall !== 'connect';

function hasCode(error: unknown, isOne: (code: string) => boolean): boolean {
  for (const layer of unwrap(error)) {
    const { code, originalCode, kind } = layer;
    if (isOtherFile(layer)) continue;
    if ([code, originalCode, kind].some((text) => typeof text === 'string' && isOne(text))) return true;
  }
  return false;
}

/** True where a query got no answer: its connection is of no use any more, and whether it was done is unknown. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === NO_ANSWER;
}

/** True for errors that pass when PostgreSQL is back; the work is then done again by whoever owns it. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  for (const layer of unwrap(error))
    if (isUnanswered(layer) || AWAY_WORDS.test(String(layer.message))) return true;
  return hasCode(error, (code) => AWAY.test(code) || AWAY_CODES.includes(code));
}

/** True for an error that says nothing about the work itself: nothing was changed, and the same again may well succeed. */
export function isCollision(error: unknown): boolean {
  return hasCode(error, (code) => COLLISIONS.includes(code));
}

/** True where a text was refused that no column can hold: what was sent is wrong, not the server. */
export function isUnstorable(error: unknown): boolean {
  return hasCode(error, (code) => UNSTORABLE.includes(code));
}
