import type { CheckFinding } from './check-definition';

interface Words {
  readonly value: string;
  readonly threshold: string;
  readonly why: string;
  readonly fix: string;
}

/** A finding by a status; the fix of a check that is ok is left out. */
export function toFinding(status: CheckFinding['status'], words: Words): CheckFinding {
  return { status, ...words, fix: status === 'ok' ? '' : words.fix };
}

/** `fail` below `min`, `warn` below `good`, ok from there. */
export function toLevel(value: number, min: number, good: number): CheckFinding['status'] {
  if (value < min) return 'fail';
  return value < good ? 'warn' : 'ok';
}
