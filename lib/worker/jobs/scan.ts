import { randomBytes } from 'node:crypto';
import { toOpaqueId } from '@/lib/core/ids';
import { recordChange } from '@/lib/db/change-feed';
import { inTransaction } from '@/lib/db/connect';
import type { ScanResult } from '@/lib/run/job-view';
import type { ScannedHostKey } from '@/lib/ssh/host-key';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import type { TopologyNode } from '@/lib/topology/topology';
import { toFailure } from '../failure-of';
import { toEndpoint } from '../site-hosts';
import { forEachNode, type JobContext } from './job-context';

type ScannedNode = ScanResult['nodes'][number];

/** Stores what the host showed; a key that is there already is only seen again. Says how it relates to the pinned. */
async function storeKey(
  job: JobContext,
  node: TopologyNode,
  key: ScannedHostKey,
): Promise<ScannedNode['state']> {
  const { address, port } = toEndpoint(node);
  return inTransaction(job.db.pool, async (tx) => {
    await tx.query(
      `INSERT INTO host_key (id, node_id, address, port, algorithm, public_key, fingerprint)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (node_id, fingerprint) DO UPDATE SET seen_at = now(), address = $3, port = $4`,
      [
        toOpaqueId('hk', randomBytes(12)),
        node.id,
        address,
        port,
        key.algorithm,
        key.publicKey,
        key.fingerprint,
      ],
    );
    const { rows } = await tx.query<{ fingerprint: string }>(
      'SELECT fingerprint FROM host_key WHERE node_id = $1 AND approved_at IS NOT NULL AND revoked_at IS NULL',
      [node.id],
    );
    await recordChange(tx, 'host-key', job.siteId);
    if (rows.some(({ fingerprint }) => fingerprint === key.fingerprint)) return 'approved';
    return rows.length > 0 ? 'changed' : 'new';
  });
}

async function scanNode(job: JobContext, node: TopologyNode): Promise<ScannedNode> {
  try {
    const key = await scanHostKey(toEndpoint(node), { policy: job.policy });
    const state = await storeKey(job, node, key);
    return { nodeId: node.id, algorithm: key.algorithm, fingerprint: key.fingerprint, state, failure: null };
  } catch (error) {
    const failure = toFailure(job, error);
    return { nodeId: node.id, algorithm: null, fingerprint: null, state: 'failed', failure };
  }
}

/** Reads the host key of every node, without signing in anywhere. */
export async function runScan(job: JobContext): Promise<ScanResult> {
  const { nodes } = job.topology;
  await job.progress(`reading ${nodes.length === 1 ? 'the host key' : `${nodes.length} host keys`}`);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const results = await forEachNode([...byId.keys()], async (nodeId) => {
    const node = byId.get(nodeId);
    return node ? [await scanNode(job, node)] : [];
  });
  return { nodes: results.flat() };
}
