/** Codes of errors that a person may see; each edge (page, action, API) maps the code, never the cause. */
export type ErrorCode =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'precondition-failed'
  | 'too-many'
  | 'unavailable'
  | 'internal';

/** HTTP status of each code (RFC 9110). */
export const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'precondition-failed': 412,
  'too-many': 429,
  unavailable: 503,
  internal: 500,
};

/**
 * An error in words for the person who caused it: what happened, to what, what to do. `message` is shown as it
 * stands, so it never holds a secret or a foreign error's text; that goes into `cause`, which only the log sees.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** Problems by field path, for forms. */
  readonly fields: Readonly<Record<string, string>> | undefined;
  /** Of `too-many`: seconds until it is worth another try. */
  readonly retryAfterS: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; fields?: Readonly<Record<string, string>>; retryAfterS?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.fields = options.fields;
    this.retryAfterS = options.retryAfterS;
  }
}

/** True for our own errors, also across bundles where `instanceof` fails. */
export function isAppError(error: unknown): error is AppError {
  return error instanceof Error && error.name === 'AppError' && 'code' in error;
}
