import type { NodeFacts } from '@/lib/health/facts';
import { RKE2_CONFIG_PATH } from '@/lib/render/rke2-config';
import { renderNode } from '@/lib/render/render-node';
import { INSTALL_STAMP } from '@/lib/steps/rke2-install';
import { firstServer, servers } from '@/lib/topology/find-node';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { findCriticalDifferences } from './critical-values';
import type { CriticalDifference } from './critical-values';
import type { PlanProblem } from './plan-problem';

/**
 * What keeps nodes from joining the cluster that already runs: a bare host in the first place, which would start a
 * cluster of its own, and values that every server must share. Told before any host is touched.
 */
export function refuseJoins(topology: Topology, facts: readonly NodeFacts[]): readonly PlanProblem[] {
  const all = servers(topology);
  const members = all.filter((node) => {
    const found = findFacts(facts, node);
    return found?.hasEtcdData && found.stamps[INSTALL_STAMP] !== undefined;
  });
  const first = firstServer(topology);
  const [member] = members;
  if (!first || !member) return [];
  const isFirstBare = findFacts(facts, first)?.hasEtcdData === false;
  return [
    ...(isFirstBare ? [refuseFirst(first, member)] : []),
    ...members.flatMap((node) => refuseValues(topology, node, findFacts(facts, node), all.length === 1)),
  ];
}

function refuseFirst(first: TopologyNode, member: TopologyNode): PlanProblem {
  return {
    code: 'first-server-bare',
    nodeId: first.id,
    message: `${first.name} stands first among the servers and is bare, but the cluster already runs on ${member.name}: ${first.name} would start a second cluster.`,
    nextAction: `Put ${member.name} before ${first.name} in the topology; the first server is the one that the others join.`,
  };
}

function refuseValues(
  topology: Topology,
  node: TopologyNode,
  facts: NodeFacts | undefined,
  isAlone: boolean,
): PlanProblem[] {
  const found = facts?.files[RKE2_CONFIG_PATH]?.content;
  const wanted = findConfig(topology, node);
  if (found == null || wanted === null) return [];
  const differences = findCriticalDifferences(found, wanted, isAlone);
  if (differences.length === 0) return [];
  return [
    {
      code: 'critical-value',
      nodeId: node.id,
      message: `${node.name} runs with ${differences.map(toWords).join('; ')}.`,
      nextAction:
        'Set it back in the topology: all servers must have the same, and a running cluster does not take another one by a restart.',
    },
  ];
}

function toWords({ key, found, wanted, isSecret }: CriticalDifference): string {
  if (isSecret) return `another ${key} than the topology names`;
  const toText = (value: string) => (value === '' ? 'nothing' : value.slice(0, 100));
  return `${key} ${toText(found)}, the topology asks for ${toText(wanted)}`;
}

/** Null where the topology lacks what the file needs, which the rules and the renderer say in their own words. */
function findConfig(topology: Topology, node: TopologyNode): string | null {
  try {
    return renderNode(topology, node.id).find(({ path }) => path === RKE2_CONFIG_PATH)?.content ?? null;
  } catch {
    return null;
  }
}

function findFacts(facts: readonly NodeFacts[], { id }: TopologyNode): NodeFacts | undefined {
  return facts.find(({ nodeId }) => nodeId === id);
}
