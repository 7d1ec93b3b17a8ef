import { randomBytes } from 'node:crypto';
import { toOpaqueId } from '@/lib/core/ids';
import { recordChange } from '@/lib/db/change-feed';
import type { ScannedKey, ScanResult } from '@/lib/run/job-view';
import type { ScannedHostKey } from '@/lib/ssh/host-key';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import type { HostEndpoint } from '@/lib/ssh/target';
import { listHops, toHopKey } from '@/lib/topology/list-hops';
import type { TopologyNode } from '@/lib/topology/topology';
import { toFailure } from '../failure-of';
import { toBastions, toEndpoint, toHopEndpoint } from '../host-target';
import { forEachNode, type JobContext } from './job-context';

type ScannedNode = ScanResult['nodes'][number];

/** A host of a scan: the node itself (`hop` empty), or a bastion on the way to it. */
interface ScannedPlace {
  readonly node: TopologyNode;
  readonly endpoint: HostEndpoint;
  readonly hop: string;
  /** How many bastions lie before it. */
  readonly hopsBefore: number;
}

/** Types of the keys that are approved for a place. */
async function listPinnedTypes(job: JobContext, { node, hop }: ScannedPlace): Promise<string[]> {
  const { rows } = await job.db.pool.query<{ algorithm: string }>(
    `SELECT DISTINCT algorithm FROM host_key
      WHERE node_id = $1 AND hop = $2 AND approved_at IS NOT NULL AND revoked_at IS NULL`,
    [node.id, hop],
  );
  return rows.map(({ algorithm }) => algorithm);
}

/**
 * Stores what the host showed; a key that is there already is only seen again. Says how it relates to the pinned: it is
 * `changed` beside an approved one of its own type only, for a host may have keys of several types.
 */
async function storeKey(
  job: JobContext,
  place: ScannedPlace,
  key: ScannedHostKey,
): Promise<ScannedKey['state']> {
  const { node, hop, endpoint } = place;
  return job.fenced(async (tx) => {
    await tx.query(
      `INSERT INTO host_key (id, node_id, hop, address, port, algorithm, public_key, fingerprint)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT (node_id, hop, fingerprint) DO UPDATE SET seen_at = now(), address = $4, port = $5`,
      [
        toOpaqueId('hk', randomBytes(12)),
        node.id,
        hop,
        endpoint.address,
        endpoint.port,
        key.algorithm,
        key.publicKey,
        key.fingerprint,
      ],
    );
    const { rows } = await tx.query<{ fingerprint: string }>(
      `SELECT fingerprint FROM host_key
        WHERE node_id = $1 AND hop = $2 AND algorithm = $3 AND approved_at IS NOT NULL AND revoked_at IS NULL`,
      [node.id, hop, key.algorithm],
    );
    await recordChange(tx, 'host-key', job.siteId);
    if (rows.some(({ fingerprint }) => fingerprint === key.fingerprint)) return 'approved';
    return rows.length > 0 ? 'changed' : 'new';
  });
}

/** Reads one key, signing in to the bastions before it, whose keys must be approved by then. */
async function scanPlace(job: JobContext, place: ScannedPlace): Promise<ScannedKey> {
  try {
    const bastions = await toBastions(job, place.node, place.hopsBefore);
    const pinnedTypes = await listPinnedTypes(job, place);
    const key = await scanHostKey(place.endpoint, { policy: job.policy }, bastions, pinnedTypes);
    const state = await storeKey(job, place, key);
    return { algorithm: key.algorithm, fingerprint: key.fingerprint, state, failure: null };
  } catch (error) {
    return { algorithm: null, fingerprint: null, state: 'failed', failure: toFailure(job, error) };
  }
}

async function scanNode(job: JobContext, node: TopologyNode): Promise<ScannedNode> {
  const way = listHops(node.ssh);
  const hops: ScannedNode['hops'] = [];
  for (const [hopsBefore, hop] of way.entries()) {
    const name = toHopKey(hop);
    const place = { node, endpoint: toHopEndpoint(hop), hop: name, hopsBefore };
    hops.push({ ...(await scanPlace(job, place)), hop: name });
  }
  const place = { node, endpoint: toEndpoint(node), hop: '', hopsBefore: way.length };
  return { ...(await scanPlace(job, place)), nodeId: node.id, hops };
}

/** Reads the host key of every node without signing in there, and of every bastion that can be reached by now. */
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
