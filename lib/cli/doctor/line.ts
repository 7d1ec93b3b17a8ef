/** One thing that doctor looked at. */
export interface DoctorLine {
  readonly what: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly words: string;
  /** What to do; empty when it is ok. */
  readonly fix: string;
}

export function ok(what: string, words: string): DoctorLine {
  return { what, state: 'ok', words, fix: '' };
}

export function warn(what: string, words: string, fix: string): DoctorLine {
  return { what, state: 'warn', words, fix };
}

export function fail(what: string, words: string, fix: string): DoctorLine {
  return { what, state: 'fail', words, fix };
}
