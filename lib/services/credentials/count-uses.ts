import { Topology } from '@/lib/topology/topology';
import { toCredentialBindings } from '../topology/credential-bindings';
import type { Transaction } from '../transact';

/** How many nodes of the newest revisions use each credential, and on which sites, by credential id. */
export async function countCredentialUses(
  tx: Pick<Transaction, 'prisma'>,
): Promise<Map<string, { nodes: number; siteIds: Set<string>; siteNames: Set<string> }>> {
  const sites = await tx.prisma.site.findMany({
    where: { deletedAt: null },
    select: {
      id: true,
      name: true,
      revisions: { select: { document: true }, orderBy: { revision: 'desc' }, take: 1 },
    },
  });
  const uses = new Map<string, { nodes: number; siteIds: Set<string>; siteNames: Set<string> }>();
  for (const site of sites) {
    for (const { document } of site.revisions) {
      for (const { credentialId } of toCredentialBindings(Topology.parse(JSON.parse(document)))) {
        const use = uses.get(credentialId) ?? { nodes: 0, siteIds: new Set(), siteNames: new Set() };
        use.nodes += 1;
        use.siteIds.add(site.id);
        use.siteNames.add(site.name);
        uses.set(credentialId, use);
      }
    }
  }
  return uses;
}
