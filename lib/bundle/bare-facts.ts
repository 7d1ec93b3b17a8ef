import type { NodeFacts } from '@/lib/health/facts';
import { renderNode } from '@/lib/render/render-node';
import type { Topology, TopologyNode } from '@/lib/topology/topology';

/**
 * What a plan is made from where no host was read: as on a bare host, nothing is there yet and every unit that one of
 * our files depends on may be; the interface is the one that the topology names. The steps probe before they act and look for that unit themselves, so that a plan from
 * these facts fits every host on the way from bare to done.
 */
export function toBareFacts(topology: Topology, node: TopologyNode): NodeFacts {
  const units = renderNode(topology, node.id).flatMap(({ onlyWithUnit }) => onlyWithUnit ?? []);
  return {
    nodeId: node.id,
    hostname: node.name,
    machineId: '',
    bootId: '',
    arch: node.arch,
    osId: '',
    osVersion: '',
    osName: '',
    kernel: '',
    hasSystemd: true,
    cpus: 0,
    memoryMiB: 0,
    dataFreeGiB: 0,
    swapMiB: 0,
    addresses: [{ interface: topology.registration.interface ?? '', address: node.internalIp, prefix: 24 }],
    hasDefaultRoute: true,
    resolvers: [],
    listening: [],
    units: Object.fromEntries(
      units.map((unit) => [unit, { load: 'loaded', active: 'inactive', enabled: 'disabled' }]),
    ),
    missingTools: [],
    selinux: '',
    rke2Version: null,
    hasEtcdData: false,
    clusterNodes: [],
    certificateDays: null,
    dropIns: [],
    files: {},
    stamps: {},
    clockOffsetMs: 0,
  };
}
