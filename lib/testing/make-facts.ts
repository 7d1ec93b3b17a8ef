import type { NodeFacts } from '@/lib/health/facts';
import { planWrites } from '@/lib/plan/plan-writes';
import type { Topology, TopologyNode } from '@/lib/topology/topology';

/** Facts of a bare Debian host that meets every check: no RKE2, none of our files, networkd running. */
export function makeFacts(topology: Topology, node: TopologyNode, more: Partial<NodeFacts> = {}): NodeFacts {
  const paths = planWrites(topology).get(node.id) ?? [];
  return {
    nodeId: node.id,
    hostname: node.name,
    machineId: `machine-of-${node.id}`,
    bootId: '5d0c8a4e-0000-4000-8000-000000000001',
    arch: node.arch,
    osId: 'debian',
    osVersion: '12',
    osName: 'Debian GNU/Linux 12 (bookworm)',
    kernel: '6.1.0-28-amd64',
    hasSystemd: true,
    cpus: 4,
    memoryMiB: 8_192,
    dataFreeGiB: 80,
    swapMiB: 0,
    addresses: [{ interface: 'eth0', address: node.internalIp, prefix: 24 }],
    hasDefaultRoute: true,
    resolvers: ['192.0.2.1'],
    listening: [],
    units: { 'systemd-networkd.service': { load: 'loaded', active: 'active', enabled: 'enabled' } },
    missingTools: [],
    selinux: 'absent',
    rke2Version: null,
    hasEtcdData: false,
    clusterNodes: [],
    certificateDays: null,
    dropIns: [],
    files: Object.fromEntries(paths.map((path) => [path, null])),
    stamps: {},
    clockOffsetMs: 12,
    ...more,
  };
}
