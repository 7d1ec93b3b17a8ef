import { findNode } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import type { CheckDefinition, CheckFinding } from './check-definition';
import type { NodeFacts } from './facts';
import { hostChecks } from './host-checks';
import { networkChecks } from './network-checks';

/** One cell of the matrix host × check. */
export interface HostCheck extends CheckFinding {
  readonly nodeId: string;
  readonly checkId: string;
  readonly title: string;
}

/** Every check, in the order of the matrix's columns. */
export const CHECKS: readonly CheckDefinition[] = [...hostChecks, ...networkChecks];

/** All checks over all nodes whose facts are known; order by node of the topology, then by `CHECKS`. */
export function checkHosts(topology: Topology, facts: readonly NodeFacts[]): HostCheck[] {
  return topology.nodes.flatMap(({ id }) => {
    const node = findNode(topology, id);
    const own = facts.find(({ nodeId }) => nodeId === id);
    if (!node || !own) return [];
    return CHECKS.flatMap(({ id: checkId, title, check }) => {
      const finding = check({ topology, node, facts: own, all: facts });
      return finding ? [{ nodeId: id, checkId, title, ...finding }] : [];
    });
  });
}
