import { toBareFacts } from '@/lib/bundle/bare-facts';
import { AppError } from '@/lib/core/errors';
import { buildPlan } from '@/lib/plan/build-plan';
import { checkTopology } from '@/lib/rules/check-topology';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { takeRate } from '../take-rate';
import { findNewestTopology } from '../topology/find-stored';
import type { BundleDownload } from './pack-bundle';
import { packBundle } from './pack-bundle';

/**
 * The run-by-hand bundle of a site's newest revision, from bare hosts on, whatever stands on them: so it says the same
 * however often it is asked for, and serves sites whose hosts Siteplan never reaches. Each step probes before it acts, hence
 * it fits every host on the way; for the steps that are left, take the bundle of a plan. Not audited: it changes nothing
 * and says nothing that topology and plan do not. Throws `precondition-failed`
 * where no plan could be made of the drawing, `not-found`.
 */
export async function getSiteBundle(ctx: ServiceContext, input: { siteId: string }): Promise<BundleDownload> {
  const { siteId } = input;
  authoriseOnSite(ctx, 'bundle.get', siteId);
  await takeRate(ctx, { key: `bundle:${ctx.actor.userId}`, limit: 20, windowS: 60 });
  const site = await ctx.db.prisma.site.findFirst({
    where: { id: siteId, deletedAt: null },
    select: { name: true },
  });
  if (!site) throw notFound('site');
  const view = await findNewestTopology(ctx.db, siteId);
  const { topology, revision } = view;
  const errors = checkTopology(topology).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    const words = errors.map(({ message }) => message).join('\n');
    throw new AppError(
      'precondition-failed',
      `${words}\nMend it in the drawing, then take the bundle again.`,
    );
  }
  const facts = topology.nodes.map((node) => toBareFacts(topology, node));
  const plan = buildPlan({ siteId: view.siteId, topology, revision, kind: 'apply', facts });
  return packBundle({ siteName: site.name, topology, plan, isBare: true });
}
