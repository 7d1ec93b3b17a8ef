import type { RunState, StepState } from './run-event';
import { RUN_STATES } from './run-states';

/** Allowed, or the reason in words: for the button, its tooltip and the server's refusal alike. */
export type RunAnswer = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/** What decides; a `RunView` is one. */
export interface RunSituation {
  readonly state: RunState;
  readonly cancelRequested: boolean;
  /** Set when the log is no longer kept; such a run is history. */
  readonly logDroppedAt?: string | null;
}

/** A step as its row or its summary says, and the kind's word on being cut (`StepKind.uninterruptible`). */
interface SkipSituation extends RunSituation {
  readonly stepState: StepState;
  readonly uninterruptible: string | null;
}

/** The steps of the host that is to be tried again. */
interface RetryHostSituation extends RunSituation {
  readonly stepStates: readonly StepState[];
}

const YES: RunAnswer = { allowed: true };
const no = (reason: string): RunAnswer => ({ allowed: false, reason });

/** Why a run can't be taken up again, whatever the verb; null when it can. */
function refuseAgain({ state, logDroppedAt }: RunSituation): RunAnswer | null {
  if (state === 'done')
    return no('The run did everything it had to. Plan again to see whether something is left.');
  if (!RUN_STATES[state].isTerminal) return no(`The run is not over yet: ${RUN_STATES[state].word}.`);
  if (logDroppedAt) return no('The log of this run is no longer kept. Plan again to see what is left to do.');
  return null;
}

/** What may be done with a run as it stands. */
export const runCan = {
  cancel({ state, cancelRequested }: RunSituation): RunAnswer {
    if (RUN_STATES[state].isTerminal) return no(`The run is over: ${RUN_STATES[state].word}.`);
    if (cancelRequested) return no('The run is being cancelled already.');
    return YES;
  },

  /** From the steps that stopped it, on all hosts: finished steps stay finished. */
  retry(run: RunSituation): RunAnswer {
    return refuseAgain(run) ?? YES;
  },

  /** The same for the steps of one host; those of other hosts are left as they are. */
  retryHost(run: RetryHostSituation): RunAnswer {
    const refused = refuseAgain(run);
    if (refused) return refused;
    if (run.stepStates.every((state) => state === 'done' || state === 'skipped')) {
      return no('Nothing is left to do on this host.');
    }
    return YES;
  },

  /** Goes on where nothing failed but the way was cut: a host that was away, or a person who stopped it. */
  resume(run: RunSituation): RunAnswer {
    const refused = refuseAgain(run);
    if (refused) return refused;
    if (run.state === 'unreachable' || run.state === 'cancelled') return YES;
    return no('A step failed: retry it, or skip it with a reason.');
  },

  /** Leaves the failed step as it is and lets those that wait for it go on. */
  skip(run: SkipSituation): RunAnswer {
    const { state, stepState, uninterruptible } = run;
    if (state !== 'failed' && state !== 'needs-attention') {
      return no('Only a step that stopped its run can be skipped.');
    }
    const refused = refuseAgain(run);
    if (refused) return refused;
    if (stepState !== 'failed') return no('This step did not fail.');
    if (uninterruptible !== null) {
      return no(`This step can’t be skipped: ${uninterruptible}. Retry it, or plan again.`);
    }
    return YES;
  },
} as const;
