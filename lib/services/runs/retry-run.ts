import { AppError } from '@/lib/core/errors';
import { Plan } from '@/lib/plan/plan';
import { runCan } from '@/lib/run/run-can';
import { RunState } from '@/lib/run/run-event';
import type { RunView } from '@/lib/run/run-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { authoriseCredentialUse } from '../credentials/authorise-use';
import { findNewestTopology } from '../topology/find-stored';
import { transact } from '../transact';
import { appendRequest } from './append-request';
import { refuseSecondRun } from './create-run';
import { findVisibleRun } from './find-visible-run';
import { getRun } from './get-run';

/**
 * Queues an ended run again: finished steps stay finished, it goes on at the step that stopped it. Refuses when the
 * topology was changed since, because then the plan is no longer what the drawing says.
 */
export async function retryRun(ctx: ServiceContext, input: { runId: string }): Promise<RunView> {
  const { runId } = input;
  const { siteId } = await findVisibleRun(ctx, runId);
  authoriseOnSite(ctx, 'run.control', siteId, 'run');
  await transact(ctx, async (tx) => {
    await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
    const run = await tx.prisma.run.findUniqueOrThrow({
      where: { id: runId },
      include: { plan: { select: { body: true } } },
    });
    const answer = runCan.retry({ state: RunState.parse(run.state), cancelRequested: run.cancelRequested });
    if (!answer.allowed) throw new AppError('conflict', answer.reason);
    await refuseSecondRun(tx, siteId);
    const { revision, topology } = await findNewestTopology(tx, siteId);
    const plan = Plan.parse(run.plan.body);
    if (plan.kind === 'uninstall') authoriseOnSite(ctx, 'run.uninstall', siteId, 'run');
    if (plan.revision !== revision) {
      throw new AppError('conflict', `The topology changed to revision ${revision} since. Plan again.`);
    }
    await authoriseCredentialUse(ctx, tx, topology, topology);
    await tx.prisma.run.update({
      where: { id: runId },
      data: { state: 'queued', cancelRequested: false, finishedAt: null },
      select: { id: true },
    });
    // The step that stopped the run starts again; finished ones stay finished.
    await tx.prisma.runStep.updateMany({
      where: { runId, state: { in: ['failed', 'cancelled', 'probing', 'acting', 'verifying'] } },
      data: { state: 'waiting', finishedAt: null },
    });
    await appendRequest(tx, runId, { type: 'run.retry-requested', by: ctx.actor.email });
    await tx.audit('run.retry', runId, { siteId });
    await tx.changed('site', siteId);
  });
  return getRun(ctx, { runId });
}
