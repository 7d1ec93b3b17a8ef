import { servers } from '@/lib/topology/find-node';
import type { NodeFacts } from '@/lib/health/facts';
import { LB_READY_STAMP } from '@/lib/steps/lb-ready';
import { INSTALL_STAMP } from '@/lib/steps/rke2-install';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { isRunning } from './is-running';
import type { PlanKind } from './plan';
import type { PlanProblem, PlanProblemCode } from './plan-problem';
import { refuseJoins } from './refuse-joins';
import { refuseUndrawn } from './undrawn-nodes';
import { compareRke2Versions, findEtcdStop, findRke2Version } from './rke2-version';

/** Everything that stands in the way of a plan; an empty list means that `buildPlan` makes one. */
export function refusePlan(
  topology: Topology,
  facts: readonly NodeFacts[],
  kind: PlanKind,
): readonly PlanProblem[] {
  const problems: PlanProblem[] = [];
  if (kind === 'apply' && servers(topology).length === 0) {
    problems.push({
      code: 'no-server',
      nodeId: null,
      message: 'The topology has no server.',
      nextAction: 'Give one host the role server.',
    });
  }
  for (const node of topology.nodes) {
    const found = facts.find((candidate) => candidate.nodeId === node.id);
    problems.push(...refuseNode(topology, node, found, kind));
  }
  return kind === 'apply'
    ? [...problems, ...refuseJoins(topology, facts), ...refuseUndrawn(topology, facts)]
    : problems;
}

function refuseNode(
  topology: Topology,
  node: TopologyNode,
  facts: NodeFacts | undefined,
  kind: PlanKind,
): PlanProblem[] {
  const problem = (code: PlanProblemCode, message: string, nextAction: string): PlanProblem => ({
    code,
    nodeId: node.id,
    message,
    nextAction,
  });
  if (!facts) {
    return [
      problem(
        'facts-missing',
        `Nothing is known about ${node.name} yet.`,
        'Run the checks first, so that its facts are read.',
      ),
    ];
  }
  const problems: PlanProblem[] = [];
  if (facts.hasEtcdData && facts.stamps[INSTALL_STAMP] === undefined) {
    const message = `${node.name} holds etcd data of a cluster that Siteplan did not make.`;
    const action = `If that cluster may go, run rke2-killall.sh and rke2-uninstall.sh on ${node.name} by hand; otherwise choose another host.`;
    problems.push(problem('foreign-data', message, action));
  } else if (kind === 'uninstall' && hasForeignRke2(node, facts)) {
    const message = `${node.name} has an RKE2 that Siteplan did not install, maybe of another cluster; an uninstall would delete it.`;
    const action = `Take ${node.name} out of the topology; if that RKE2 may go, run rke2-killall.sh and rke2-uninstall.sh on it by hand.`;
    problems.push(problem('foreign-data', message, action));
  }
  if (kind === 'uninstall') return problems;
  if (node.role === 'lb') problems.push(...refuseLoadBalancer(topology, node, facts));
  else if (facts.arch !== node.arch) {
    const message = `${node.name} is ${facts.arch}, the topology says ${node.arch}.`;
    problems.push(
      problem('wrong-architecture', message, `Set the architecture of ${node.name} to what it is.`),
    );
  }
  if (!facts.hasSystemd) {
    problems.push(
      problem(
        'no-systemd',
        `${node.name} does not run systemd.`,
        'Use a host that was booted with systemd; RKE2 needs it.',
      ),
    );
  }
  const other = findOtherRole(node, facts);
  if (other !== null) {
    const message = `${node.name} runs ${other}, the topology says ${node.role}.`;
    problems.push(
      problem('other-role', message, `Uninstall it from ${node.name} first; a node cannot change its role.`),
    );
  }
  if (node.role === 'lb') return problems;
  const version = refuseVersion(topology.rke2.version, facts, node);
  if (version) problems.push(problem(...version));
  return problems;
}

/** True where an uninstall would delete an RKE2 that is not ours: an agent, or a server with data in another folder. */
function hasForeignRke2({ role }: TopologyNode, facts: NodeFacts): boolean {
  if (role === 'lb' || facts.stamps[INSTALL_STAMP] !== undefined) return false;
  const isThere = (unit: string) => facts.units[unit]?.load === 'loaded' || isRunning(facts, unit);
  return facts.rke2Version !== null || ['rke2-server.service', 'rke2-agent.service'].some(isThere);
}

/** What a host runs that belongs to another role than its own, or null. */
function findOtherRole({ role }: TopologyNode, facts: NodeFacts): string | null {
  const others = (['server', 'agent'] as const).filter((each) => each !== role);
  const found = others.find((each) => isRunning(facts, `rke2-${each}.service`));
  if (found) return `rke2-${found}`;
  // nginx takes 6443 and 9345, which a server and the local balancer of an agent need.
  return role !== 'lb' && facts.stamps[LB_READY_STAMP] !== undefined ? 'a load balancer' : null;
}

/** keepalived needs the interface on which it moves the virtual IP. */
function refuseLoadBalancer({ registration }: Topology, node: TopologyNode, facts: NodeFacts): PlanProblem[] {
  const { loadBalancer, vip, interface: name } = registration;
  if (loadBalancer !== 'managed' || vip === undefined) return [];
  const own = facts.addresses.find(({ address }) => address === node.internalIp)?.interface;
  const hint = own === undefined ? '' : ` ${node.internalIp} is on ${own} there.`;
  const toProblem = (message: string): PlanProblem[] => [
    {
      code: 'interface-missing',
      nodeId: node.id,
      message: `${message}${hint}`,
      nextAction:
        'Set registration.interface to the interface that all load balancers have in the nodes’ network.',
    },
  ];
  if (name === undefined)
    return toProblem(`keepalived on ${node.name} must know its interface, and the topology names none.`);
  const isThere = facts.addresses.some((each) => each.interface === name);
  return isThere ? [] : toProblem(`${node.name} has no interface ${name} with an address.`);
}

/**
 * Downgrades need a snapshot of the older minor, servers must not skip a minor (RKE2 docs upgrades/manual, roll-back), and
 * etcd's data must have been run by 3.5.26 before 3.6.
 */
function refuseVersion(
  wantedText: string,
  { rke2Version: foundText, hasEtcdData }: NodeFacts,
  node: TopologyNode,
): [PlanProblemCode, string, string] | null {
  if (foundText === null || foundText === wantedText) return null;
  const wanted = findRke2Version(wantedText);
  const found = findRke2Version(foundText);
  if (!wanted || !found) {
    const message = `${node.name} has an RKE2 whose version is not understood (${foundText.slice(0, 60)}).`;
    return ['unknown-version', message, 'Remove that RKE2, or install a release of it.'];
  }
  if (compareRke2Versions(wanted, found) < 0) {
    const message = `${node.name} has RKE2 ${foundText}, newer than ${wantedText}; RKE2 cannot go back.`;
    return [
      'downgrade',
      message,
      `Choose ${foundText} or newer, or restore a snapshot of the older version.`,
    ];
  }
  const stop = hasEtcdData ? findEtcdStop(found, wanted) : null;
  if (stop !== null) {
    const message = `${node.name} has RKE2 ${foundText}, whose etcd is older than 3.5.26; ${wantedText} brings etcd 3.6, which could take removed members for living ones.`;
    return ['etcd-stop', message, `Go to ${stop} first, on all servers, and from there to ${wantedText}.`];
  }
  if (wanted.minor > found.minor + 1) {
    const message = `${node.name} has RKE2 ${foundText}; ${wantedText} skips a minor version.`;
    return ['minor-skipped', message, `Go to v${found.major}.${found.minor + 1} first.`];
  }
  return null;
}
