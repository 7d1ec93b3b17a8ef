import { AppError } from '@/lib/core/errors';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { getPlan } from '../plans/get-plan';
import { takeRate } from '../take-rate';
import { getRevision } from '../topology/get-revision';
import type { BundleDownload } from './pack-bundle';
import { packBundle } from './pack-bundle';

/**
 * The run-by-hand bundle of one plan. A plan that may not be run any more is refused with `conflict`: by hand nobody
 * would look again, as the worker does, and an old revision would come back. Of an uninstall it asks for the right to one.
 */
export async function getPlanBundle(ctx: ServiceContext, input: { planId: string }): Promise<BundleDownload> {
  const { plan, siteName, stale } = await getPlan(ctx, input);
  const { siteId, revision, kind } = plan;
  authoriseOnSite(ctx, kind === 'uninstall' ? 'run.uninstall' : 'bundle.get', siteId, 'plan');
  await takeRate(ctx, { key: `bundle:${ctx.actor.userId}`, limit: 20, windowS: 60 });
  if (stale) throw new AppError('conflict', stale);
  const { topology } = await getRevision(ctx, { siteId, revision });
  return packBundle({ siteName, topology, plan, isBare: false });
}
