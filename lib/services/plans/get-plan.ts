import { Plan } from '@/lib/plan/plan';
import type { PlanView } from '@/lib/plan/plan-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { findStaleReason } from './find-stale-reason';

/**
 * One plan with its steps and diffs (secrets are slots). A plan that was run stays readable with its run when its site is
 * deleted; every other plan goes with the site. Throws `not-found`.
 */
export async function getPlan(ctx: ServiceContext, input: { planId: string }): Promise<PlanView> {
  const row = await ctx.db.prisma.plan.findFirst({
    where: { id: input.planId, OR: [{ site: { deletedAt: null } }, { runs: { some: {} } }] },
    select: {
      siteId: true,
      body: true,
      createdAt: true,
      createdBy: true,
      site: { select: { name: true, deletedAt: true } },
      runs: { select: { id: true }, orderBy: { createdAt: 'desc' }, take: 1 },
    },
  });
  if (!row) throw notFound('plan');
  authoriseOnSite(ctx, 'plan.view', row.siteId, 'plan');
  const plan = Plan.parse(row.body);
  return {
    plan,
    siteName: row.site.name,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    stale: row.site.deletedAt
      ? 'The site of this plan was deleted.'
      : await findStaleReason(ctx.db, plan, row),
    runId: row.runs[0]?.id ?? null,
  };
}
