import type { NodeId } from '@/lib/core/ids';
import type { NodeFacts } from '@/lib/health/facts';
import { planWrites } from '@/lib/plan/plan-writes';
import { askClusterCa } from '@/lib/provision/cluster-ca';
import { readFacts } from '@/lib/provision/read-facts';
import { findPinnedCa, toUnpinned } from '@/lib/render/cluster-ca';
import { renderNode } from '@/lib/render/render-node';
import { HostError } from '@/lib/ssh/host-error';
import { findNode, firstServer } from '@/lib/topology/find-node';
import type { SecretRef, Topology } from '@/lib/topology/topology';
import type { SiteHosts } from './site-hosts';

export type KnownSecrets = readonly { readonly ref: SecretRef; readonly value: string }[];

/** Facts of one node and the name by which its connection goes. Rejects with HostError. */
export type FactsReader = (nodeId: NodeId) => Promise<{ host: string; facts: NodeFacts }>;

/**
 * Reads nodes as plans are made from them: with every file that the topology writes there, secrets and the hash of the
 * cluster's CA as slots. Jobs and runs read through this one, so that both hash the same.
 */
export function createFactsReader(
  hosts: Pick<SiteHosts, 'connect'>,
  topology: Topology,
  knownSecrets: KnownSecrets,
): FactsReader {
  const paths = planWrites(topology);
  // Those of load balancers hold no secret, and cannot be rendered before the topology says all that they need.
  const render = (nodeId: NodeId) =>
    findNode(topology, nodeId)?.role === 'lb' ? [] : renderNode(topology, nodeId);
  let clusterCa: Promise<string | null> | null = null;
  /** Asked at most once. Null where the first server cannot say; whoever reads that node itself hears why. */
  const findClusterCaOnce = () => {
    clusterCa ??= findClusterCa(hosts, topology).catch((error: unknown) => {
      if (error instanceof HostError) return null;
      throw error;
    });
    return clusterCa;
  };
  return async (nodeId) => {
    const connection = await hosts.connect(nodeId);
    const shell = connection.openShell();
    const host = connection.name;
    const rendered = render(nodeId);
    const wanted = { nodeId, host, paths: paths.get(nodeId) ?? [], rendered, knownSecrets };
    const facts = await readFacts(shell, { ...wanted, nowMs: Date.now }).finally(shell.close);
    const isAsking = Object.values(facts.files).some((file) => findPinnedCa(file?.content ?? '') !== null);
    const hash = isAsking ? await findClusterCaOnce() : null;
    return { host, facts: hash === null ? facts : toUnpinnedFacts(facts, hash) };
  };
}

async function findClusterCa(hosts: Pick<SiteHosts, 'connect'>, topology: Topology): Promise<string | null> {
  const first = firstServer(topology);
  if (!first) return null;
  const shell = (await hosts.connect(first.id)).openShell();
  return askClusterCa(shell).finally(shell.close);
}

/** Files whose tokens pin this CA are as the renderer writes them. */
function toUnpinnedFacts(facts: NodeFacts, hash: string): NodeFacts {
  const files = Object.entries(facts.files).map(([path, file]) => [
    path,
    file?.content ? { ...file, content: toUnpinned(file.content, hash) } : file,
  ]);
  return { ...facts, files: Object.fromEntries(files) as NodeFacts['files'] }; // the same paths and kinds of files
}
