import type { RunState, StepState } from './run-event';
import { RUN_STATES } from './run-states';

/** Allowed, or the reason in words: for the button, its tooltip and the server's refusal alike. */
export type RunAnswer = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

export interface RunSituation {
  readonly state: RunState;
  readonly cancelRequested: boolean;
}

const YES: RunAnswer = { allowed: true };
const no = (reason: string): RunAnswer => ({ allowed: false, reason });

/** What may be done with a run as it stands. */
export const runCan = {
  cancel({ state, cancelRequested }: RunSituation): RunAnswer {
    if (RUN_STATES[state].isTerminal) return no(`The run is over: ${RUN_STATES[state].word}.`);
    if (cancelRequested) return no('The run is being cancelled already.');
    return YES;
  },

  /** From the step that stopped it: finished steps stay finished. */
  retry({ state }: RunSituation): RunAnswer {
    if (state === 'done')
      return no('The run did everything it had to. Plan again to see whether something is left.');
    if (!RUN_STATES[state].isTerminal) return no(`The run is not over yet: ${RUN_STATES[state].word}.`);
    return YES;
  },

  /** Goes on where nothing failed but the way was cut: a host that was away, or a person who stopped it. */
  resume({ state }: RunSituation): RunAnswer {
    if (!RUN_STATES[state].isTerminal) return no(`The run is not over yet: ${RUN_STATES[state].word}.`);
    if (state === 'unreachable' || state === 'cancelled') return YES;
    if (state === 'done') return no('The run did everything it had to.');
    return no('A step failed: retry it, or skip it with a reason.');
  },

  /** Leaves the failed step as it is and lets those that wait for it go on. */
  skip({ state, stepState }: RunSituation & { readonly stepState: StepState }): RunAnswer {
    if (state !== 'failed' && state !== 'needs-attention') {
      return no('Only a step that stopped its run can be skipped.');
    }
    if (stepState !== 'failed') return no('This step did not fail.');
    return YES;
  },
} as const;
