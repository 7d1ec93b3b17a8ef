import type { RunSummary } from '@/lib/run/run-summary';
import type { RunView } from '@/lib/run/run-view';

/** What is known of a run whose log is no longer kept: its row. Of its steps and of its cause nothing is. */
export function toKeptSummary(run: RunView): RunSummary {
  return {
    state: run.state,
    steps: [],
    stepsTotal: run.steps,
    stepsDone: run.stepsDone,
    stepsSkipped: run.stepsSkipped,
    current: null,
    cause: null,
    lostNodes: [],
    notes: [],
    overrides: [],
    cancelRequestedBy: null,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
  };
}
