import type { NodeId } from '@/lib/core/ids';
import { toReachability } from '@/lib/ports/to-reachability';
import { clusterNodes, loadBalancers, servers } from '@/lib/topology/find-node';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import type { LinkCheckId } from './check-definition';
import { isActive } from './check-result';
import type { NodeFacts } from './facts';
import type { HostSurvey } from './survey';

/** Above this many hosts each agent dials the servers, the load balancers and its next neighbours only. */
export const FULL_MESH_HOSTS = 60;
export const NEIGHBOURS = 8;

/** Tailscale's interface has an MTU of 1280 (tailscale net/tstun/mtu); an echo of 1252 bytes fills it. */
const TAILNET_ECHO_BYTES = 1_252;
/** IPv4 and ICMP headers. */
const ECHO_HEADER_BYTES = 28;

/** One thing to dial from one node. */
export interface Dial {
  readonly fromId: NodeId;
  readonly toId: NodeId;
  readonly checkId: LinkCheckId;
  readonly ruleId: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'vrrp';
  readonly port: number | null;
  readonly need: 'required' | 'full';
  /** Bytes of an echo. */
  readonly size?: number;
}

export interface LinkPlan {
  readonly dials: readonly Dial[];
  /** Ports to listen on, by node, in the order of the matrix. */
  readonly listeners: ReadonlyMap<NodeId, readonly Pick<Dial, 'protocol' | 'port'>[]>;
  /** Pairs of hosts that are not dialled because the site is large. */
  readonly pairsLeftOut: number;
}

export interface LinkPlanOptions {
  readonly facts: readonly NodeFacts[];
  readonly surveys: ReadonlyMap<string, HostSurvey>;
  /** Nodes that dial; all nodes are dialled. */
  readonly from: ReadonlySet<string>;
  readonly checkIds: ReadonlySet<string>;
}

const CHECK_OF = { tcp: 'reach-tcp', udp: 'reach-udp', icmp: 'reach-ping', vrrp: 'reach-vrrp' } as const;

/**
 * What to dial and where to listen, from the port matrix of the topology: every row that the cluster needs, from the
 * internal address of one node to that of another. Rows that only users' Services need are left out.
 */
export function toLinkPlan(topology: Topology, options: LinkPlanOptions): LinkPlan {
  const { from, checkIds, facts } = options;
  const dials: Dial[] = [];
  let pairsLeftOut = 0;
  for (const node of topology.nodes.filter(({ id }) => from.has(id))) {
    const peers = choosePeers(topology, node);
    pairsLeftOut += topology.nodes.length - 1 - peers.length;
    dials.push(...toDials(topology, node, peers, options).filter(({ checkId }) => checkIds.has(checkId)));
  }
  const runsKeepalived = new Set(
    facts.filter((one) => isActive(one, 'keepalived.service')).map(({ nodeId }) => nodeId),
  );
  const listeners = new Map<NodeId, Pick<Dial, 'protocol' | 'port'>[]>();
  const seen = new Set<string>();
  for (const { toId, protocol, port } of dials) {
    const key = `${toId} ${protocol} ${port}`;
    // The kernel answers echoes; a keepalived that runs must not get what is no VRRP.
    if (seen.has(key) || protocol === 'icmp' || (protocol === 'vrrp' && runsKeepalived.has(toId))) continue;
    seen.add(key);
    listeners.set(toId, [...(listeners.get(toId) ?? []), { protocol, port }]);
  }
  return { dials, listeners, pairsLeftOut };
}

/** All other nodes, or on a large site those that everybody needs and the next ones in the document's order. */
function choosePeers(topology: Topology, node: TopologyNode): TopologyNode[] {
  const { nodes } = topology;
  if (nodes.length <= FULL_MESH_HOSTS || node.role !== 'agent')
    return nodes.filter(({ id }) => id !== node.id);
  const members = clusterNodes(topology);
  const at = members.findIndex(({ id }) => id === node.id);
  const next = Array.from({ length: NEIGHBOURS }, (_, index) => members[(at + 1 + index) % members.length]);
  const chosen = new Set([...servers(topology), ...loadBalancers(topology), ...next]);
  return nodes.filter((one) => one.id !== node.id && chosen.has(one));
}

function toDials(
  topology: Topology,
  node: TopologyNode,
  peers: readonly TopologyNode[],
  { checkIds, surveys, facts }: LinkPlanOptions,
): Dial[] {
  const near = {
    ...topology,
    nodes: topology.nodes.filter((one) => one.id === node.id || peers.includes(one)),
  };
  const known = new Map<string, Dial>();
  for (const entry of toReachability(near, new Set([node.id]))) {
    const { ruleId, to, port, lastPort, protocol, need } = entry;
    if (entry.from !== node.id || need === 'optional') continue;
    const count = port === null || lastPort === null ? 1 : lastPort - port + 1;
    for (let index = 0; index < count; index += 1) {
      const one = port === null ? null : port + index;
      const key = `${to} ${protocol} ${one}`;
      // Two rows may ask for the same port; the stricter one speaks for both.
      if (known.get(key)?.need === 'required') continue;
      const checkId = CHECK_OF[protocol];
      known.set(key, { fromId: node.id, toId: to, checkId, ruleId, protocol, port: one, need });
    }
  }
  const dials = [...known.values()];
  if (!checkIds.has('path-mtu') || node.role === 'lb') return dials;
  const size = toEchoBytes(topology, node, surveys, facts);
  const pings = dials.filter(({ protocol }) => protocol === 'icmp');
  return [
    ...dials,
    ...pings.map((ping): Dial => ({
      ...ping,
      checkId: 'path-mtu',
      ruleId: 'path-mtu',
      need: 'required',
      size,
    })),
  ];
}

/** The largest echo that leaves the node's link in one piece. */
function toEchoBytes(
  topology: Topology,
  node: TopologyNode,
  surveys: ReadonlyMap<string, HostSurvey>,
  facts: readonly NodeFacts[],
): number {
  if (topology.edge.tailscale.enabled) return TAILNET_ECHO_BYTES;
  const own = facts.find(({ nodeId }) => nodeId === node.id);
  const name = own?.addresses.find(({ address }) => address === node.internalIp)?.interface;
  const mtu = surveys.get(node.id)?.links.find((link) => link.name === name)?.mtu ?? 1_500;
  return Math.max(576, Math.min(mtu, 9_216)) - ECHO_HEADER_BYTES;
}
