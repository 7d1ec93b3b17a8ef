import type { Database } from '@/lib/db/connect';
import type { TopologyView } from '@/lib/topology/topology-view';
import { notFound } from '../context';
import type { Transaction } from '../transact';
import { toTopologyView } from './to-topology-view';

/** The newest revision of a site that is not deleted. Throws `not-found`. For callers that have authorised. */
export async function findNewestTopology(
  db: Pick<Database, 'prisma'> | Pick<Transaction, 'prisma'>,
  siteId: string,
): Promise<TopologyView> {
  const row = await db.prisma.topologyRevision.findFirst({
    where: { siteId, site: { deletedAt: null } },
    orderBy: { revision: 'desc' },
  });
  if (!row) throw notFound('site');
  return toTopologyView(row);
}
