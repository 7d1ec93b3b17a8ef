import type { Plan } from '@/lib/plan/plan';
import type { Transaction } from '../transact';

/**
 * Why a stored plan may not be run any more, or null. The worker looks a second time: it probes the hosts again and
 * plans again, and refuses a plan that differs.
 */
export async function findStaleReason(
  tx: Pick<Transaction, 'prisma'>,
  plan: Plan,
  planRow: { createdAt: Date },
): Promise<string | null> {
  const [newest, done] = await Promise.all([
    tx.prisma.topologyRevision.findFirst({
      where: { siteId: plan.siteId },
      orderBy: { revision: 'desc' },
      select: { revision: true },
    }),
    tx.prisma.run.findFirst({
      where: {
        siteId: plan.siteId,
        OR: [{ planId: plan.id }, { createdAt: { gt: planRow.createdAt } }],
        state: { notIn: ['queued', 'running'] },
      },
      orderBy: { createdAt: 'desc' },
      select: { planId: true },
    }),
  ]);
  if (newest && newest.revision !== plan.revision) {
    return `The topology is at revision ${newest.revision}, this plan was made for revision ${plan.revision}. Plan again.`;
  }
  if (done?.planId === plan.id) return 'This plan was run already. Plan again to see what is left to do.';
  if (done) return 'Another run changed the hosts after this plan was made. Plan again.';
  return null;
}
