import type { Plan } from '@/lib/plan/plan';
import type { Transaction } from '../transact';

/** When hosts were last read and gave this very plan: its id is a hash, so planning again may find the same row. */
async function findPlannedAt(
  tx: Pick<Transaction, 'prisma'>,
  plan: Plan,
  planRow: { createdAt: Date },
): Promise<Date> {
  const job = await tx.prisma.job.findFirst({
    where: {
      siteId: plan.siteId,
      kind: 'plan',
      state: 'done',
      result: { path: ['planId'], equals: plan.id },
      finishedAt: { not: null },
    },
    orderBy: { finishedAt: 'desc' },
    select: { finishedAt: true },
  });
  return job?.finishedAt && job.finishedAt > planRow.createdAt ? job.finishedAt : planRow.createdAt;
}

/**
 * Why a stored plan may not be run any more, or null. The worker looks a second time: it probes the hosts again and
 * plans again, and refuses a plan that differs.
 */
export async function findStaleReason(
  tx: Pick<Transaction, 'prisma'>,
  plan: Plan,
  planRow: { createdAt: Date },
): Promise<string | null> {
  const { siteId } = plan;
  const newest = await tx.prisma.topologyRevision.findFirst({
    where: { siteId },
    orderBy: { revision: 'desc' },
    select: { revision: true },
  });
  if (newest && newest.revision !== plan.revision) {
    return `The topology is at revision ${newest.revision}, this plan was made for revision ${plan.revision}. Plan again.`;
  }
  const plannedAt = await findPlannedAt(tx, plan, planRow);
  const later = await tx.prisma.run.findFirst({
    where: {
      siteId,
      state: { notIn: ['queued', 'running'] },
      OR: [{ createdAt: { gt: plannedAt } }, { finishedAt: { gt: plannedAt } }],
    },
    orderBy: { createdAt: 'desc' },
    select: { planId: true },
  });
  if (!later) return null;
  if (later.planId === plan.id) return 'This plan was run already. Plan again to see what is left to do.';
  return 'Another run changed the hosts after this plan was made. Plan again.';
}
