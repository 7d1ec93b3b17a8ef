import type { RevisionView } from '@/lib/topology/topology-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';

/** The revisions of a site, newest first, at most 500. */
export async function listRevisions(ctx: ServiceContext, input: { siteId: string }): Promise<RevisionView[]> {
  authoriseOnSite(ctx, 'site.view', input.siteId);
  const rows = await ctx.db.prisma.topologyRevision.findMany({
    where: { siteId: input.siteId, site: { deletedAt: null } },
    select: {
      revision: true,
      hash: true,
      createdAt: true,
      createdBy: true,
      site: { select: { appliedRevision: true } },
    },
    orderBy: { revision: 'desc' },
    take: 500,
  });
  return rows.map(({ revision, hash, createdAt, createdBy, site }) => ({
    revision,
    etag: hash,
    createdAt: createdAt.toISOString(),
    createdBy,
    isApplied: site.appliedRevision === revision,
  }));
}
