import type { ActionResult } from '@/lib/core/action-result';
import type { RunView } from '@/lib/run/run-view';

type Answer = Promise<ActionResult<RunView>>;

/** What may be asked of a run; handed in by the page. */
export interface RunActions {
  readonly cancelRun: (runId: string) => Answer;
  /** From the steps that stopped it; of one host where `nodeId` says so. */
  readonly retryRun: (runId: string, nodeId?: string) => Answer;
  readonly resumeRun: (runId: string) => Answer;
  readonly skipStep: (runId: string, stepId: string, reason: string) => Answer;
  readonly setFence: (
    siteId: string,
    nodeId: string,
    epoch: string,
  ) => Promise<ActionResult<{ readonly epoch: string }>>;
}

/** Why the viewer may not do a thing, in words; null when they may. */
export interface RunRefusals {
  readonly control: string | null;
  readonly fence: string | null;
}
