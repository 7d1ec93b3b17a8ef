import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import type { Topology } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';
import type { ServiceContext } from '../context';
import type { Transaction } from '../transact';
import { toTopologyView } from './to-topology-view';

/** The canonical text of a topology and its hash, which is its ETag. */
export function toStoredDocument(topology: Topology): { document: string; hash: string } {
  const document = canonicalJson(topology);
  return { document, hash: sha256Hex(document) };
}

/** Writes a revision and brings the node rows in line with it: new ones in, missing ones marked as removed. */
export async function storeRevision(
  ctx: ServiceContext,
  tx: Transaction,
  input: { siteId: string; revision: number; topology: Topology },
): Promise<TopologyView> {
  const { siteId, revision, topology } = input;
  const row = await tx.prisma.topologyRevision.create({
    data: { siteId, revision, ...toStoredDocument(topology), createdBy: ctx.actor.email },
  });
  const names = new Map(topology.nodes.map((node) => [node.id as string, node.name]));
  const known = await tx.prisma.node.findMany({ where: { siteId } });
  const knownIds = new Set(known.map(({ id }) => id));
  for (const node of known) {
    const name = names.get(node.id);
    if (name === undefined && node.removedAt === null) {
      await tx.prisma.node.update({ where: { id: node.id }, data: { removedAt: new Date() } });
    }
    if (name !== undefined && (node.removedAt !== null || node.name !== name)) {
      await tx.prisma.node.update({ where: { id: node.id }, data: { name, removedAt: null } });
    }
  }
  const fresh = topology.nodes.filter(({ id }) => !knownIds.has(id));
  await tx.prisma.node.createMany({ data: fresh.map(({ id, name }) => ({ id, siteId, name })) });
  await tx.changed('topology', siteId);
  await tx.changed('site', siteId);
  return toTopologyView(row);
}
