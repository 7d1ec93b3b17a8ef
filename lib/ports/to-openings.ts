import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { agents, clusterNodes, loadBalancers, servers } from '@/lib/topology/find-node';
import type { End, PortRule, Protocol } from './port-rule';
import { hasRole } from './ports-of';
import { activePortRules } from './to-reachability';

/** Ends whose addresses the document knows. */
export type KnownEnd = Exclude<End, 'clients' | 'siteplan' | 'anywhere'>;

/** What a firewall on one node has to let in. */
export interface Opening {
  readonly ruleId: string;
  readonly protocol: Protocol;
  /** Inclusive ranges; empty for ICMP and VRRP. */
  readonly ports: readonly (readonly [number, number])[];
  /** `anyone`: from any address, because the document does not know who calls. */
  readonly from: KnownEnd | 'anyone';
  readonly why: string;
}

/** Figures about the site: only its own nodes may read them, Prometheus in the cluster among them. */
const METRICS = new Set(['agent-metrics', 'operator-metrics', 'hubble-metrics']);
const SSH_PORT = 22;

/** What the matrix asks `node` to accept, in the matrix's order; never empty, because Siteplan comes by SSH. */
export function toOpenings(topology: Topology, node: TopologyNode): Opening[] {
  return activePortRules(topology)
    .filter(({ to }) => hasRole(to, node.role))
    .map((rule) => ({
      ruleId: rule.id,
      protocol: rule.protocol,
      ports: toRanges(rule, node),
      from: toSource(rule),
      why: rule.why,
    }));
}

/** Addresses of the nodes of an end, internal and external, without duplicates, in the document's order. */
export function listAddresses(topology: Topology, end: KnownEnd): string[] {
  const nodes = { servers, agents, nodes: clusterNodes, lbs: loadBalancers }[end](topology);
  return [
    ...new Set(
      nodes.flatMap(({ internalIp, externalIp }) => (externalIp ? [internalIp, externalIp] : [internalIp])),
    ),
  ];
}

function toRanges(rule: PortRule, node: TopologyNode): (readonly [number, number])[] {
  // The document says where Siteplan dials; behind a forwarded port sshd itself still listens on 22.
  if (rule.from === 'siteplan') {
    return [...new Set([SSH_PORT, node.ssh.port])].map((port) => [port, port] as const);
  }
  return rule.ports ? [rule.ports] : [];
}

function toSource({ id, from }: PortRule): Opening['from'] {
  if (METRICS.has(id)) return 'nodes';
  return from === 'clients' || from === 'siteplan' || from === 'anywhere' ? 'anyone' : from;
}
