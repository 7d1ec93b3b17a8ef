import { Plan } from '@/lib/plan/plan';
import type { PlanListItem } from '@/lib/plan/plan-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';

/** The newest plans of a site, at most 100. */
export async function listPlans(ctx: ServiceContext, input: { siteId: string }): Promise<PlanListItem[]> {
  authoriseOnSite(ctx, 'plan.view', input.siteId);
  const rows = await ctx.db.prisma.plan.findMany({
    where: { siteId: input.siteId, site: { deletedAt: null } },
    select: { id: true, revision: true, body: true, createdAt: true, createdBy: true },
    orderBy: { createdAt: 'desc' },
    take: 100,
  });
  return rows.map((row) => {
    const { kind, steps } = Plan.parse(row.body);
    const { id, revision, createdAt, createdBy } = row;
    return { id, kind, revision, steps: steps.length, createdAt: createdAt.toISOString(), createdBy };
  });
}
