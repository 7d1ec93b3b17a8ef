import { toShortList } from '@/lib/health/check-result';
import type { NodeFacts } from '@/lib/health/facts';
import { RKE2_CONFIG_PATH } from '@/lib/render/rke2-config';
import { renderNode } from '@/lib/render/render-node';
import { INSTALL_STAMP } from '@/lib/steps/rke2-install';
import { agents, clusterNodes, firstServer, servers } from '@/lib/topology/find-node';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { findCriticalDifferences, readTopLevelValue } from './critical-values';
import type { CriticalDifference } from './critical-values';
import { isRunning } from './is-running';
import type { PlanProblem } from './plan-problem';

/**
 * What keeps nodes from joining the cluster that already runs, or from staying in it: servers that would start a cluster
 * of their own, values that every server must share, and another name or address. Told before any host is touched.
 */
export function refuseJoins(topology: Topology, facts: readonly NodeFacts[]): readonly PlanProblem[] {
  const all = servers(topology);
  const members = all.filter((node) => {
    const found = findFacts(facts, node);
    return found?.hasEtcdData && found.stamps[INSTALL_STAMP] !== undefined;
  });
  const moved = clusterNodes(topology).flatMap((node) => refuseIdentity(node, findFacts(facts, node)));
  const first = firstServer(topology);
  const [member] = members;
  if (!first) return moved;
  if (!member) return [...moved, ...refuseReplacement(topology, facts, first)];
  const isFirstBare = findFacts(facts, first)?.hasEtcdData === false;
  return [
    ...(isFirstBare ? [refuseFirst(first, member)] : []),
    ...moved,
    ...members.flatMap((node) => refuseValues(topology, node, findFacts(facts, node), all.length === 1)),
  ];
}

/** Agents of ours that run have a cluster, which none of the drawn servers is part of. */
function refuseReplacement(
  topology: Topology,
  facts: readonly NodeFacts[],
  first: TopologyNode,
): PlanProblem[] {
  // Of a server whose facts are missing nobody knows whether it holds the data; that is told elsewhere.
  if (servers(topology).some((node) => !findFacts(facts, node))) return [];
  const names = agents(topology).flatMap((node) => {
    const found = findFacts(facts, node);
    const isMember = found?.stamps[INSTALL_STAMP] !== undefined && isRunning(found, 'rke2-agent.service');
    return isMember ? [node.name] : [];
  });
  if (names.length === 0) return [];
  const shown = toShortList(names, 3);
  return [
    {
      code: 'servers-replaced',
      nodeId: first.id,
      message: `No server of the topology holds the data of the cluster whose agents run on ${shown}: ${first.name} would start a second cluster.`,
      nextAction:
        'Draw the servers of the running cluster, replace them one at a time and keep the others; or uninstall that cluster first.',
    },
  ];
}

/** A node is known by its name, and a member of etcd by its address too: neither changes with a restart. */
function refuseIdentity(node: TopologyNode, facts: NodeFacts | undefined): PlanProblem[] {
  const config = facts?.files[RKE2_CONFIG_PATH]?.content;
  if (config == null || facts?.stamps[INSTALL_STAMP] === undefined) return [];
  const wanted = {
    'node-name': node.name,
    ...(node.role === 'server' && { 'node-ip': node.internalIp }),
  };
  const differences = Object.entries(wanted).flatMap(([key, value]): CriticalDifference[] => {
    const found = readTopLevelValue(config, key);
    return found === '' || found === value ? [] : [{ key, found, wanted: value, isSecret: false }];
  });
  if (differences.length === 0) return [];
  return [
    {
      code: 'node-identity',
      nodeId: node.id,
      message: `The host of ${node.name} runs with ${differences.map(toWords).join('; ')}.`,
      nextAction:
        'Set it back in the topology: the cluster would take the host for another node. For another name or address, remove the node and uninstall RKE2 from its host, then add it anew.',
    },
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
