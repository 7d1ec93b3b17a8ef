import type { ErrorCode } from './errors';

/** What a form gets back when something is wrong; `message` is for people, `fields` by field path. */
export interface ActionError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** Stands in the log beside the cause. */
  readonly requestId: string;
}

/** Answer of every server action: a value, or an error in words; actions never throw. */
export type ActionResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ActionError };
