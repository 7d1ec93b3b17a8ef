import { RunState } from '@/lib/run/run-event';
import { RUN_STATES } from '@/lib/run/run-states';
import type { RunView } from '@/lib/run/run-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { transact } from '../transact';
import { appendRequest } from './append-request';
import { findVisibleRun } from './find-visible-run';
import { getRun } from './get-run';
import { lockRows } from './queue-again';

/**
 * Asks for the end of a run; the worker stops what runs on the host and writes the end. Asking twice is asking once, and
 * a run that is over stays as it ended: both answer with the run as it is (reliability I10).
 */
export async function cancelRun(ctx: ServiceContext, input: { runId: string }): Promise<RunView> {
  const { runId } = input;
  const { siteId } = await findVisibleRun(ctx, runId);
  authoriseOnSite(ctx, 'run.control', siteId, 'run');
  await transact(ctx, async (tx) => {
    await lockRows(tx, runId, siteId);
    const run = await tx.prisma.run.findUniqueOrThrow({ where: { id: runId } });
    const state = RunState.parse(run.state);
    await tx.audit('run.cancel', runId, { siteId, state });
    if (RUN_STATES[state].isTerminal || run.cancelRequested) return;
    await tx.prisma.run.update({
      where: { id: runId },
      data: { cancelRequested: true },
      select: { id: true },
    });
    await appendRequest(tx, runId, { type: 'run.cancel-requested', by: ctx.actor.email });
  });
  return getRun(ctx, { runId });
}
