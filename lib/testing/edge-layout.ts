import { NodeId } from '@/lib/core/ids';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';
import type { TopologyInput } from '@/lib/topology/topology';
import { AGENT_TOKEN, SERVER_TOKEN } from './example-layout';

/**
 * The architecture text's edge pattern, corrected: one server and two agents whose cluster runs on the tailnet as a
 * whole, because a LAN `node-ip` with a tailnet `node-external-ip` would send agents the wrong way; the LAN address
 * and the text's name stay in the certificate.
 */
export function edgeLayout(changes: Partial<TopologyInput> = {}): Topology {
  const host = (name: string, place: number, role: 'server' | 'agent') => ({
    id: NodeId.parse(`n-${name}`),
    name,
    role,
    internalIp: `100.64.1.${place}`,
    ssh: { address: `192.168.10.${place}` },
    arch: role === 'server' ? ('amd64' as const) : ('arm64' as const),
    os: 'Ubuntu 24.04',
  });
  const topology = toDefaultTopology('edge', [
    host('s1', 10, 'server'),
    host('a1', 13, 'agent'),
    host('a2', 14, 'agent'),
  ]);
  return Topology.parse({
    ...topology,
    edge: {
      ...topology.edge,
      tailscale: { enabled: true, tags: ['tag:edge'] },
      registryMirrors: [{ registry: 'docker.io', endpoints: ['https://registry.edge.example.com:5000'] }],
      trafficShaping: { enabled: true, uplinkKbit: 2_000 },
      localPathStorage: true,
    },
    security: {
      extraSans: ['192.168.10.10', 'lb.edge.example.com'],
      serverToken: SERVER_TOKEN,
      agentToken: AGENT_TOKEN,
    },
    ...changes,
  });
}
