import type { TopologyView } from '@/lib/topology/topology-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { toTopologyView } from './to-topology-view';

/** One revision of a site; of a deleted site, those that a run brought about. Throws `not-found`. */
export async function getRevision(
  ctx: ServiceContext,
  input: { siteId: string; revision: number },
): Promise<TopologyView> {
  authoriseOnSite(ctx, 'site.view', input.siteId);
  const row = await ctx.db.prisma.topologyRevision.findFirst({
    where: {
      siteId: input.siteId,
      revision: input.revision,
      site: { OR: [{ deletedAt: null }, { runs: { some: { plan: { revision: input.revision } } } }] },
    },
  });
  if (!row) throw notFound('revision');
  return toTopologyView(row);
}
