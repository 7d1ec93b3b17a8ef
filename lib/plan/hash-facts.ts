import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import { isActive } from '@/lib/health/check-result';
import type { ClusterNodeFact, NodeFacts } from '@/lib/health/facts';
import { isRunning } from './is-running';

const toKey = ({ name, role, isVoter }: ClusterNodeFact) => `${name} ${role} ${isVoter}`;

/**
 * Hash of what a plan is made from: which machine, its architecture, RKE2, files, stamps, the Nodes of the cluster,
 * and which units exist and run. Not the clock, memory, free space, ports or boot id, so that a plan stays fresh while nothing of its own changes.
 */
export function hashFacts(facts: readonly NodeFacts[]): string {
  const parts = facts.map((node) => ({
    nodeId: node.nodeId,
    machineId: node.machineId,
    arch: node.arch,
    hasSystemd: node.hasSystemd,
    rke2Version: node.rke2Version,
    hasEtcdData: node.hasEtcdData,
    files: node.files,
    stamps: node.stamps,
    units: Object.fromEntries(
      Object.entries(node.units).map(([unit, { load, enabled }]) => [
        unit,
        {
          isLoaded: load === 'loaded',
          isRunning: isRunning(node, unit),
          enabled,
          // A plan counts and orders servers by whether they are up, not by whether they try to be.
          ...(unit === 'rke2-server.service' &&
            isRunning(node, unit) &&
            !isActive(node, unit) && { isUp: false }),
        },
      ]),
    ),
  }));
  // Of all servers together: one whose API answers now and then tells nothing that the others do not.
  const told = [...new Set(facts.flatMap((node) => node.clusterNodes.map(toKey)))].sort();
  const sorted = parts.sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  return sha256Hex(canonicalJson(told.length > 0 ? { nodes: sorted, told } : sorted));
}
