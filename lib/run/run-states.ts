import type { StateMark } from '@/lib/core/state-mark';
import type { RunState, StepState } from './run-event';

/** A state and whether it is an end. */
export interface StateRow extends StateMark {
  readonly isTerminal: boolean;
}

/** Every state of a run, as it is shown. The five ends each have a word and a next action of their own. */
export const RUN_STATES: Readonly<Record<RunState, StateRow>> = {
  queued: { word: 'queued', shape: 'ring', ink: 'ink-soft', isTerminal: false },
  running: { word: 'running', shape: 'half-circle', ink: 'provisioning', turns: true, isTerminal: false },
  done: { word: 'done', shape: 'circle', ink: 'healthy', isTerminal: true },
  failed: { word: 'failed', shape: 'square-bar', ink: 'down', isTerminal: true },
  unreachable: { word: 'unreachable', shape: 'dashed-ring', ink: 'stale', isTerminal: true },
  cancelled: { word: 'cancelled', shape: 'slashed-ring', ink: 'ink-soft', isTerminal: true },
  'needs-attention': { word: 'needs attention', shape: 'triangle', ink: 'degraded', isTerminal: true },
};

/** A run's state in words; a run that left steps out says so, because its revision was not brought about. */
export function toRunWord({ state, stepsSkipped }: { state: RunState; stepsSkipped: number }): string {
  const { word } = RUN_STATES[state];
  return state === 'done' && stepsSkipped > 0 ? `${word} with ${stepsSkipped} skipped` : word;
}

/** Every state of a step, as it is shown. */
export const STEP_STATES: Readonly<Record<StepState, StateRow>> = {
  waiting: { word: 'waiting', shape: 'ring', ink: 'ink-soft', isTerminal: false },
  probing: { word: 'looking', shape: 'half-circle', ink: 'provisioning', turns: true, isTerminal: false },
  acting: { word: 'working', shape: 'half-circle', ink: 'provisioning', turns: true, isTerminal: false },
  verifying: { word: 'checking', shape: 'half-circle', ink: 'provisioning', turns: true, isTerminal: false },
  done: { word: 'done', shape: 'circle', ink: 'healthy', isTerminal: true },
  failed: { word: 'failed', shape: 'square-bar', ink: 'down', isTerminal: true },
  skipped: { word: 'skipped', shape: 'diamond', ink: 'ink-soft', isTerminal: true },
  cancelled: { word: 'cancelled', shape: 'slashed-ring', ink: 'ink-soft', isTerminal: true },
};
