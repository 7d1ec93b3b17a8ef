import type { FailureCode } from '@/lib/core/failure';
import type { RunState } from '@/lib/run/run-event';

/** One fault: how it is provoked, and everything that a person must be told about it. A new fault is a new row. */
export interface FaultRow {
  readonly id: string;
  /** How the test makes it happen. */
  readonly provoked: string;
  /**
   * Who finds it: `connect` up to the login, `start` the first program on the host, `runner` before an act, `step` in
   * probe, act or verify, `engine` without the host,
   * `worker` before the first step. Jobs (scan, facts, preflight, plan) meet the first two as well.
   */
  readonly layer: 'connect' | 'start' | 'runner' | 'step' | 'engine' | 'worker';
  readonly code: FailureCode;
  /** End state of the run. */
  readonly state: Extract<RunState, 'failed' | 'unreachable' | 'needs-attention'>;
  readonly message: RegExp;
  readonly nextAction: RegExp;
  /** From the start of the run to its end, seconds; the tests take it as their limit. */
  readonly boundS: number;
  /** What the log of the failing step holds. */
  readonly log?: RegExp;
}
