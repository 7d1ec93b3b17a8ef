import type { HostKeyView } from '@/lib/access/host-key-view';
import { NodeId } from '@/lib/core/ids';
import type { HostKey } from '@/lib/db/generated/client';

/** A stored key as people see it; times as ISO 8601 in UTC. */
export function toHostKeyView(row: HostKey & { node: { name: string } }): HostKeyView {
  return {
    nodeId: NodeId.parse(row.nodeId),
    nodeName: row.node.name,
    ...(row.hop && { hop: row.hop }),
    address: row.address,
    port: row.port,
    algorithm: row.algorithm,
    fingerprint: row.fingerprint,
    seenAt: row.seenAt.toISOString(),
    approvedAt: row.approvedAt?.toISOString() ?? null,
    approvedBy: row.approvedBy,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}
