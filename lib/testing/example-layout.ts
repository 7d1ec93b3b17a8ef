import { NodeId, SecretId } from '@/lib/core/ids';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';
import type { TopologyInput } from '@/lib/topology/topology';

const os = 'Ubuntu 24.04';

/** A token reference as the control plane makes it; no value exists. */
export const SERVER_TOKEN = { id: SecretId.parse('sec-server'), version: 1 };
export const AGENT_TOKEN = { id: SecretId.parse('sec-agent'), version: 2 };

/**
 * The example layout of the architecture text: s1-s3 and a1-a3 with LAN and tailnet addresses and mixed
 * architectures; the two load balancers and the VIP that the text asks for without giving addresses.
 */
export function exampleLayout(changes: Partial<TopologyInput> = {}): Topology {
  const host = (name: string, place: number, role: 'server' | 'agent') => ({
    id: NodeId.parse(`n-${name}`),
    name,
    role,
    internalIp: `192.168.10.${place}`,
    externalIp: `100.64.1.${place}`,
    arch: role === 'server' ? ('amd64' as const) : ('arm64' as const),
    os,
  });
  const balancer = (name: string, place: number) => ({
    id: NodeId.parse(`n-${name}`),
    name,
    role: 'lb' as const,
    internalIp: `192.168.10.${place}`,
    os,
  });
  const topology = toDefaultTopology(
    'ha',
    [
      host('s1', 10, 'server'),
      host('s2', 11, 'server'),
      host('s3', 12, 'server'),
      host('a1', 13, 'agent'),
      host('a2', 14, 'agent'),
      host('a3', 15, 'agent'),
      balancer('lb1', 8),
      balancer('lb2', 9),
    ],
    { vip: '192.168.10.5', dnsName: 'lb.example.com', interface: 'eth0' },
  );
  return Topology.parse({
    ...topology,
    network: { nodeCidr: '192.168.10.0/24' },
    cilium: { hubble: { ui: true } },
    security: { serverToken: SERVER_TOKEN, agentToken: AGENT_TOKEN },
    ...changes,
  });
}

/** The thin path's topology: the pattern `custom` with one server. */
export function oneServer(changes: Partial<TopologyInput> = {}): Topology {
  const topology = toDefaultTopology('custom', [
    { id: NodeId.parse('n-one'), name: 'one', internalIp: '192.0.2.11' },
  ]);
  return Topology.parse({ ...topology, security: { serverToken: SERVER_TOKEN }, ...changes });
}
