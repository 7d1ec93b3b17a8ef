import { AppError } from '@/lib/core/errors';
import { RunState } from '@/lib/run/run-event';
import { runCan } from '@/lib/run/run-can';
import type { RunView } from '@/lib/run/run-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { transact } from '../transact';
import { appendRequest } from './append-request';
import { findVisibleRun } from './find-visible-run';
import { getRun } from './get-run';

/**
 * Asks for the end of a run; the worker stops what runs on the host and writes the end. Asking twice is asking once; a
 * finished run is refused.
 */
export async function cancelRun(ctx: ServiceContext, input: { runId: string }): Promise<RunView> {
  const { runId } = input;
  const { siteId } = await findVisibleRun(ctx, runId);
  authoriseOnSite(ctx, 'run.control', siteId, 'run');
  await transact(ctx, async (tx) => {
    await tx.sql.query('SELECT id FROM run WHERE id = $1 FOR UPDATE', [runId]);
    const run = await tx.prisma.run.findUniqueOrThrow({ where: { id: runId } });
    const state = RunState.parse(run.state);
    const answer = runCan.cancel({ state, cancelRequested: false });
    if (!answer.allowed) throw new AppError('conflict', answer.reason);
    await tx.audit('run.cancel', runId, { siteId });
    if (run.cancelRequested) return;
    await tx.prisma.run.update({
      where: { id: runId },
      data: { cancelRequested: true },
      select: { id: true },
    });
    await appendRequest(tx, runId, { type: 'run.cancel-requested', by: ctx.actor.email });
  });
  return getRun(ctx, { runId });
}
