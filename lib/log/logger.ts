import pino from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import { env } from '@/lib/env/env';

export type Logger = PinoLogger;

/** Names under which secrets travel in our own objects and in requests, at the top and one level down. */
const SECRET_NAMES = [
  'password',
  'currentPassword',
  'newPassword',
  'sudoPassword',
  'passphrase',
  'privateKey',
  'secret',
  'token',
  'tokenHash',
  'code',
  'backupCodes',
  'kubeconfig',
  'sealed',
  'cookie',
  'authorization',
  'set-cookie',
  'connectionString',
  'databaseUrl',
];

const paths = SECRET_NAMES.flatMap((name) => {
  const key = name.includes('-') ? `["${name}"]` : name;
  const dotted = key.startsWith('[') ? key : `.${key}`;
  return [key, `*${dotted}`, `*.*${dotted}`];
});

interface LoggedError {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/**
 * An error as it may be logged: Prisma's messages repeat the arguments of the call, which hold hashes and sealed
 * bytes, so of those only the last line is kept, and no stack, because a stack begins with the message.
 */
export function toLoggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { name: 'NotAnError', message: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const cause = error.cause && depth < 3 ? { cause: toLoggedError(error.cause, depth + 1) } : {};
  if (error.name.startsWith('Prisma')) {
    return {
      name: error.name,
      ...code,
      message: error.message.trim().split('\n').at(-1)?.slice(0, 300) ?? '',
      ...cause,
    };
  }
  return {
    name: error.name,
    ...code,
    message: error.message.slice(0, 2_000),
    ...(error.stack && { stack: error.stack.slice(0, 6_000) }),
    ...cause,
  };
}

/**
 * A logger that writes one JSON line per entry to standard output (or `destination`), with `name` in each. Known
 * names of secrets are masked; the caller still lists what goes in. Bind a request by `logger.child({ requestId })`.
 */
export function createLogger(name: string, destination?: DestinationStream): Logger {
  const options = {
    name,
    level: env().logLevel,
    base: { name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths, censor: '[redacted]' },
    serializers: { err: toLoggedError, error: toLoggedError },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination ? pino(options, destination) : pino(options);
}
