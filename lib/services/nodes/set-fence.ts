import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import type { Failure } from '@/lib/core/failure';
import { Plan } from '@/lib/plan/plan';
import { RunEventBody } from '@/lib/run/run-event';
import type { ServiceContext } from '../context';
import { authorise, authoriseOnSite } from '../context';
import { parseInput } from '../parse-input';
import type { Transaction } from '../transact';
import { transact } from '../transact';
import { stepsOf } from '../runs/queue-again';

export const SetFenceInput = z.strictObject({
  siteId: z.string(),
  nodeId: z.string(),
  /** What the host's fence says, as the person read it in the failed run; decimal, no more than `raise_epoch` takes. */
  epoch: z.string().regex(/^[1-9]\d{0,14}$/, 'not an epoch'),
});

const NOT_AHEAD = 'No run was refused because the fence of this host is ahead. Nothing was changed.';
const FOREIGN =
  'This host belongs to another Siteplan installation, so its fence is not ours to pass. If that installation is gone, ' +
  'release the host on the host itself: sudo rm /var/lib/siteplan-host/fence';

/** Why the newest run of the site waits for a person because of this host, or null. */
async function findRefusal(tx: Transaction, siteId: string, nodeId: string): Promise<Failure | null> {
  const run = await tx.prisma.run.findFirst({
    where: { siteId },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    select: { id: true, state: true, plan: { select: { body: true } } },
  });
  if (run?.state !== 'needs-attention') return null;
  const event = await tx.prisma.runEvent.findFirst({
    where: {
      runId: run.id,
      type: 'step.failed',
      stepId: { in: stepsOf(Plan.parse(run.plan.body), nodeId) },
    },
    orderBy: { seq: 'desc' },
  });
  const body = event && RunEventBody.parse(JSON.parse(event.body));
  return body?.type === 'step.failed' ? body.failure : null;
}

/**
 * Puts a host's fence right after the database was restored from a backup (contract 1). The host is not touched: the
 * database's epochs are raised above the host's. A lowered fence would let in a worker of before the restore that still
 * lives somewhere; a raised sequence keeps it out, and needs no host. The installation's id is the same on both sides,
 * else the host had refused for that reason. Throws `conflict` unless the last run of the site was refused by this host
 * at this very epoch.
 */
export async function setFence(
  ctx: ServiceContext,
  input: z.input<typeof SetFenceInput>,
): Promise<{ epoch: string }> {
  const { siteId, nodeId, epoch } = parseInput(SetFenceInput, input);
  authoriseOnSite(ctx, 'run.view', siteId);
  authorise(ctx, 'fence.set');
  return transact(ctx, async (tx) => {
    const refusal = await findRefusal(tx, siteId, nodeId);
    if (refusal?.code === 'foreign-installation') throw new AppError('conflict', FOREIGN);
    if (refusal?.code !== 'stale-epoch' || refusal.hostEpoch === undefined)
      throw new AppError('conflict', NOT_AHEAD);
    if (refusal.hostEpoch !== epoch) {
      throw new AppError('conflict', `The fence of the host is at epoch ${refusal.hostEpoch}, not ${epoch}.`);
    }
    await tx.audit('fence.set', nodeId, { siteId, epoch });
    const { rows } = await tx.sql.query<{ reached: string }>(
      'SELECT raise_epoch($1::bigint, $2)::text AS reached',
      [epoch, siteId],
    );
    await tx.changed('site', siteId);
    return { epoch: rows[0]?.reached ?? epoch };
  });
}
