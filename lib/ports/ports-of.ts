import type { NodeId } from '@/lib/core/ids';
import { findNode } from '@/lib/topology/find-node';
import type { Role, Topology } from '@/lib/topology/topology';
import { LOCAL_PORTS } from './local-ports';
import type { End } from './port-rule';
import { activePortRules } from './to-reachability';

/** A port that RKE2, Cilium or the load balancer listens on. */
export interface NodePort {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** `any`: other hosts dial it; `loopback`: only the node itself. */
  readonly address: 'any' | 'loopback';
  readonly why: string;
}

/** Bound by something that is there already (SSH, Tailscale), or only where a user asks for a Service. */
const NOT_OURS = new Set(['ssh', 'ssh-lb', 'tailscale', 'node-ports']);

/**
 * Ports that must be free on a node before it is set up and that it listens on afterwards, in ascending order,
 * one entry per port. Empty for a node that the topology does not have.
 */
export function portsOf(topology: Topology, nodeId: NodeId): NodePort[] {
  const node = findNode(topology, nodeId);
  if (!node) return [];
  const open = activePortRules(topology)
    .filter((rule) => hasRole(rule.to, node.role) && !NOT_OURS.has(rule.id))
    .flatMap((rule) => {
      if (rule.ports === null || rule.protocol === 'icmp' || rule.protocol === 'vrrp') return [];
      const [first, last] = rule.ports;
      const { protocol, why } = rule;
      return Array.from({ length: last - first + 1 }, (_, index): NodePort => {
        return { port: first + index, protocol, address: 'any', why };
      });
    });
  const local = LOCAL_PORTS.filter(({ on }) => hasRole(on, node.role)).map(({ port, why }): NodePort => {
    return { port, protocol: 'tcp', address: 'loopback', why };
  });
  const byPort = new Map<string, NodePort>();
  for (const entry of [...open, ...local]) {
    const key = `${entry.protocol} ${entry.port}`;
    if (!byPort.has(key)) byPort.set(key, entry);
  }
  return [...byPort.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

/** Whether nodes of this role are meant by an end of the matrix. */
export function hasRole(end: End, role: Role): boolean {
  const roles: Readonly<Record<End, readonly Role[]>> = {
    servers: ['server'],
    agents: ['agent'],
    nodes: ['server', 'agent'],
    lbs: ['lb'],
    clients: [],
    siteplan: [],
    anywhere: [],
  };
  return roles[end].includes(role);
}
