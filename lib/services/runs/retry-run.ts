import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import { runCan } from '@/lib/run/run-can';
import type { RunView } from '@/lib/run/run-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { findVisibleRun } from './find-visible-run';
import { getRun } from './get-run';
import { lockRun, queueAgain, refuseUnless, stepsOf } from './queue-again';

export const RetryRunInput = z.strictObject({ runId: z.string(), nodeId: z.string().optional() });

/**
 * Queues an ended run again from the steps that stopped it; with `nodeId` only those of one host, and those of other
 * hosts stay as they are. Throws `conflict` with the words of `runCan`, and `invalid` for a host that the plan does not
 * touch.
 */
export async function retryRun(ctx: ServiceContext, input: z.input<typeof RetryRunInput>): Promise<RunView> {
  const { runId, nodeId } = parseInput(RetryRunInput, input);
  const { siteId } = await findVisibleRun(ctx, runId);
  authoriseOnSite(ctx, 'run.control', siteId, 'run');
  await transact(ctx, async (tx) => {
    const run = await lockRun(ctx, tx, runId, siteId);
    const by = ctx.actor.email;
    if (nodeId === undefined) {
      refuseUnless(runCan.retry(run.situation));
      await queueAgain(ctx, tx, run, { event: { type: 'run.retry-requested', by } });
    } else {
      const stepIds = stepsOf(run.plan, nodeId);
      if (stepIds.length === 0)
        throw new AppError('invalid', 'The plan of this run does not touch that host.');
      const stepStates = stepIds.map((id) => run.stepStates.get(id) ?? 'waiting');
      refuseUnless(runCan.retryHost({ ...run.situation, stepStates }));
      const event = { type: 'run.retry-requested', by, nodeId, stepIds } as const;
      await queueAgain(ctx, tx, run, { event, onlyNodeId: nodeId });
    }
    await tx.audit('run.retry', runId, { siteId, nodeId: nodeId ?? null });
  });
  return getRun(ctx, { runId });
}
