import type { SiteId } from '@/lib/core/ids';
import type { Database } from '@/lib/db/connect';
import { Topology } from '@/lib/topology/topology';

export interface StoredRevision {
  readonly revision: number;
  readonly topology: Topology;
}

/** One revision of a site's topology. Throws when it is not there. */
export async function readRevision(db: Database, siteId: SiteId, revision: number): Promise<StoredRevision> {
  const row = await db.prisma.topologyRevision.findUniqueOrThrow({
    where: { siteId_revision: { siteId, revision } },
  });
  return { revision, topology: Topology.parse(JSON.parse(row.document)) };
}

/** The newest revision of a site. Throws when there is none. */
export async function readNewestRevision(db: Database, siteId: SiteId): Promise<StoredRevision> {
  const row = await db.prisma.topologyRevision.findFirstOrThrow({
    where: { siteId },
    orderBy: { revision: 'desc' },
  });
  return { revision: row.revision, topology: Topology.parse(JSON.parse(row.document)) };
}
