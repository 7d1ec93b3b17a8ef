import type { NodeId } from '@/lib/core/ids';
import type { NodeFacts } from '@/lib/health/facts';
import { planWrites } from '@/lib/plan/plan-writes';
import { readFacts } from '@/lib/provision/read-facts';
import type { SecretRef, Topology } from '@/lib/topology/topology';
import type { SiteHosts } from './site-hosts';

export type KnownSecrets = readonly { readonly ref: SecretRef; readonly value: string }[];

/** Facts of one node and the name by which its connection goes. Rejects with HostError. */
export type FactsReader = (nodeId: NodeId) => Promise<{ host: string; facts: NodeFacts }>;

/**
 * Reads nodes as plans are made from them: with every file that the topology writes there, secrets as slots. Jobs and
 * runs read through this one, so that both hash the same.
 */
export function createFactsReader(
  hosts: Pick<SiteHosts, 'connect'>,
  topology: Topology,
  knownSecrets: KnownSecrets,
): FactsReader {
  const paths = planWrites(topology);
  return async (nodeId) => {
    const connection = await hosts.connect(nodeId);
    const shell = connection.openShell();
    const host = connection.name;
    const wanted = { nodeId, host, paths: paths.get(nodeId) ?? [], knownSecrets };
    const facts = await readFacts(shell, { ...wanted, nowMs: Date.now }).finally(shell.close);
    return { host, facts };
  };
}
