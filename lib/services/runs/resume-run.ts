import { runCan } from '@/lib/run/run-can';
import type { RunView } from '@/lib/run/run-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { transact } from '../transact';
import { findVisibleRun } from './find-visible-run';
import { getRun } from './get-run';
import { lockRun, queueAgain, refuseUnless } from './queue-again';

/**
 * Queues a run again whose way was cut: a host was away, or somebody cancelled it. Throws `conflict` with the words of
 * `runCan.resume` for a run in which a step failed.
 */
export async function resumeRun(ctx: ServiceContext, input: { runId: string }): Promise<RunView> {
  const { runId } = input;
  const { siteId } = await findVisibleRun(ctx, runId);
  authoriseOnSite(ctx, 'run.control', siteId, 'run');
  await transact(ctx, async (tx) => {
    const run = await lockRun(ctx, tx, runId, siteId);
    refuseUnless(runCan.resume(run.situation));
    await queueAgain(ctx, tx, run, { event: { type: 'run.resume-requested', by: ctx.actor.email } });
    await tx.audit('run.resume', runId, { siteId });
  });
  return getRun(ctx, { runId });
}
