import type { ClusterNodeFact, NodeFacts } from '@/lib/health/facts';
import { KEEPALIVED_PATH } from '@/lib/render/load-balancer';
import { RKE2_CONFIG_PATH } from '@/lib/render/rke2-config';
import { INSTALL_STAMP } from '@/lib/steps/rke2-install';
import { clusterNodes, loadBalancers, servers } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import { readTopLevelValue } from './critical-values';
import type { PlanProblem } from './plan-problem';

/** Every Node that the servers of ours tell of, once. */
export function listClusterNodes(
  topology: Topology,
  facts: readonly NodeFacts[],
): readonly ClusterNodeFact[] {
  const ids = new Set(servers(topology).map(({ id }) => id));
  const told = facts.filter(({ nodeId, stamps }) => ids.has(nodeId) && stamps[INSTALL_STAMP] !== undefined);
  return [...new Map(told.flatMap((node) => node.clusterNodes.map((each) => [each.name, each]))).values()];
}

/** Nodes of the cluster that the drawing lacks. One that a drawn host still runs under another name is drawn. */
function listUndrawn(topology: Topology, facts: readonly NodeFacts[]): readonly ClusterNodeFact[] {
  const drawn = new Set(clusterNodes(topology).map(({ name }) => name));
  for (const { files } of facts) {
    const config = files[RKE2_CONFIG_PATH]?.content;
    if (config != null) drawn.add(readTopLevelValue(config, 'node-name'));
  }
  return listClusterNodes(topology, facts).filter(({ name }) => !drawn.has(name));
}

/** A server outside the drawing votes in etcd and answers for the API, so no plan knows what it does to the quorum. */
export function refuseUndrawn(topology: Topology, facts: readonly NodeFacts[]): readonly PlanProblem[] {
  return listUndrawn(topology, facts)
    .filter(({ role }) => role === 'server')
    .map(({ name, isVoter }) => ({
      code: 'undrawn-server' as const,
      nodeId: null,
      message: `The cluster has the server ${name}, which the drawing lacks${isVoter ? '; it votes in etcd' : ''}.`,
      nextAction: `Draw ${name} again; or take it out of the cluster first: kubectl drain ${name} --ignore-daemonsets --delete-emptydir-data, stop rke2-server on its host, kubectl delete node ${name}, after which RKE2 removes its etcd member, then rke2-killall.sh and rke2-uninstall.sh on its host.`,
    }));
}

/** What a person should know that stands in nobody's way. */
export function toUndrawnNotices(topology: Topology, facts: readonly NodeFacts[]): readonly string[] {
  return listUndrawn(topology, facts)
    .filter(({ role }) => role === 'agent')
    .map(
      ({ name }) =>
        `The cluster has the agent ${name}, which the drawing lacks: it keeps running as it is. To take it out: kubectl drain ${name} --ignore-daemonsets --delete-emptydir-data, kubectl delete node ${name}, then rke2-killall.sh and rke2-uninstall.sh on its host.`,
    );
}

/** What an uninstall leaves alone, because it is not drawn: afterwards nobody is there to list it. */
export function toLeftNotices(topology: Topology, facts: readonly NodeFacts[]): readonly string[] {
  return listUndrawn(topology, facts).map(
    ({ name, role }) =>
      `The cluster has the ${role} ${name}, which the drawing lacks: it is not uninstalled. Run rke2-killall.sh and rke2-uninstall.sh on its host.`,
  );
}

/**
 * Load balancers that the drawn ones still know as peers: one that goes on beside those that have forgotten it takes the
 * virtual IP for itself as well (keepalived.conf, unicast_peer: adverts of others are not heard).
 */
export function toUndrawnPeerNotices(topology: Topology, facts: readonly NodeFacts[]): readonly string[] {
  const balancers = loadBalancers(topology);
  const drawn = new Set<string>(balancers.map(({ internalIp }) => internalIp));
  const found = balancers.flatMap(({ id }) => {
    const content = facts.find(({ nodeId }) => nodeId === id)?.files[KEEPALIVED_PATH]?.content ?? '';
    return [...content.matchAll(/unicast_peer \{([^}]*)\}/g)].flatMap(([, peers = '']) =>
      peers.split(/\s+/).filter((peer) => /^[0-9.]{7,15}$/.test(peer)),
    );
  });
  return [...new Set(found)]
    .filter((peer) => !drawn.has(peer))
    .map(
      (peer) =>
        `${peer} is a load balancer of this site that the drawing lacks: it would keep the virtual IP beside the drawn ones. Before you apply this, run there: systemctl disable --now keepalived nginx`,
    );
}
