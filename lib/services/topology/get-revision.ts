import type { TopologyView } from '@/lib/topology/topology-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { toTopologyView } from './to-topology-view';

/** One revision of a site. Throws `not-found`. */
export async function getRevision(
  ctx: ServiceContext,
  input: { siteId: string; revision: number },
): Promise<TopologyView> {
  authoriseOnSite(ctx, 'site.view', input.siteId);
  const row = await ctx.db.prisma.topologyRevision.findFirst({
    where: { siteId: input.siteId, revision: input.revision, site: { deletedAt: null } },
  });
  if (!row) throw notFound('revision');
  return toTopologyView(row);
}
