'use server';

import { action } from '@/app/action';
import type { ActionResult } from '@/lib/core/action-result';
import type { RunView } from '@/lib/run/run-view';
import { setFence } from '@/lib/services/nodes/set-fence';
import { cancelRun } from '@/lib/services/runs/cancel-run';
import { resumeRun } from '@/lib/services/runs/resume-run';
import { retryRun } from '@/lib/services/runs/retry-run';
import { skipStep } from '@/lib/services/runs/skip-step';

/** Services parse what arrives; these say what a run's page may ask for. */
export async function cancelRunAction(runId: string): Promise<ActionResult<RunView>> {
  return action('action (app)/runs/[runId]/actions#cancelRunAction', { runId }, (ctx) =>
    cancelRun(ctx, { runId: String(runId) }),
  );
}

export async function retryRunAction(runId: string, nodeId?: string): Promise<ActionResult<RunView>> {
  return action('action (app)/runs/[runId]/actions#retryRunAction', { runId }, (ctx) =>
    retryRun(ctx, nodeId === undefined ? { runId } : { runId, nodeId }),
  );
}

export async function resumeRunAction(runId: string): Promise<ActionResult<RunView>> {
  return action('action (app)/runs/[runId]/actions#resumeRunAction', { runId }, (ctx) =>
    resumeRun(ctx, { runId: String(runId) }),
  );
}

export async function skipStepAction(
  runId: string,
  stepId: string,
  reason: string,
): Promise<ActionResult<RunView>> {
  return action('action (app)/runs/[runId]/actions#skipStepAction', { runId }, (ctx) =>
    skipStep(ctx, { runId, stepId, reason }),
  );
}

/** `epoch` is `failure.hostEpoch` of the run that was refused by the host, decimal. */
export async function setFenceAction(
  siteId: string,
  nodeId: string,
  epoch: string,
): Promise<ActionResult<{ epoch: string }>> {
  return action('action (app)/runs/[runId]/actions#setFenceAction', { siteId }, (ctx) =>
    setFence(ctx, { siteId, nodeId, epoch }),
  );
}
