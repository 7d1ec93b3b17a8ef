import type { NodeId } from '@/lib/core/ids';
import { agents, clusterNodes, findNode, loadBalancers, servers } from '@/lib/topology/find-node';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { PORT_CONDITIONS } from './port-conditions';
import { PORT_MATRIX } from './port-matrix';
import type { End, PortRule, Protocol } from './port-rule';

/** Somebody outside the document. */
export type Outside = 'clients' | 'siteplan' | 'anywhere';

/** One connection that has to work. */
export interface Reachability {
  readonly ruleId: string;
  readonly from: NodeId | Outside;
  readonly to: NodeId;
  /** First port of the rule; null for ICMP and VRRP. */
  readonly port: number | null;
  readonly lastPort: number | null;
  readonly protocol: Protocol;
  readonly need: PortRule['need'];
  readonly why: string;
}

/** The rows of the matrix that apply to this topology, in the matrix's order. */
export function activePortRules(topology: Topology): PortRule[] {
  return PORT_MATRIX.filter((rule) => PORT_CONDITIONS[rule.when](topology));
}

/**
 * Who must reach whom: one entry per pair of nodes and row, never a node to itself. It grows with the square of the
 * nodes (1,000 nodes: millions), so pass `only` for the pairs that touch given nodes, or draw from `activePortRules`.
 */
export function toReachability(topology: Topology, only?: ReadonlySet<NodeId>): Reachability[] {
  const touches = (id: NodeId | Outside) => only === undefined || only.has(id as NodeId); // an Outside is never in it
  return activePortRules(topology).flatMap((rule) =>
    endsOf(topology, rule.from).flatMap((from) =>
      endsOf(topology, rule.to)
        .filter((to): to is NodeId => to !== from && !isOutside(to) && (touches(from) || touches(to)))
        .map((to) => {
          // SSH listens where the document says, everything else where the matrix says.
          const ports = rule.from === 'siteplan' ? sshPortsOf(topology, to) : rule.ports;
          const [port, lastPort] = ports ?? [null, null];
          const { id: ruleId, protocol, need, why } = rule;
          return { ruleId, from, to, port, lastPort, protocol, need, why };
        }),
    ),
  );
}

function endsOf(topology: Topology, end: End): (NodeId | Outside)[] {
  const ids = (nodes: readonly TopologyNode[]) => nodes.map(({ id }) => id);
  switch (end) {
    case 'servers':
      return ids(servers(topology));
    case 'agents':
      return ids(agents(topology));
    case 'nodes':
      return ids(clusterNodes(topology));
    case 'lbs':
      return ids(loadBalancers(topology));
    default:
      return [end];
  }
}

function isOutside(end: NodeId | Outside): end is Outside {
  return end === 'clients' || end === 'siteplan' || end === 'anywhere';
}

function sshPortsOf(topology: Topology, id: NodeId): readonly [number, number] {
  const port = findNode(topology, id)?.ssh.port ?? 22;
  return [port, port];
}
