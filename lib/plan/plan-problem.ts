import { servers } from '@/lib/topology/find-node';
import type { NodeFacts } from '@/lib/health/facts';
import type { NodeId } from '@/lib/core/ids';
import { INSTALL_STAMP } from '@/lib/steps/rke2-install';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import type { PlanKind } from './plan';
import { compareRke2Versions, findRke2Version } from './rke2-version';

export type PlanProblemCode =
  | 'no-server'
  | 'load-balancer-unsupported'
  | 'artifacts-unsupported'
  | 'facts-missing'
  | 'wrong-architecture'
  | 'no-systemd'
  | 'downgrade'
  | 'minor-skipped'
  | 'unknown-version'
  | 'foreign-data'
  | 'other-role';

/** Why no plan is made, in words: what stands in the way on which node, and what to do next. */
export interface PlanProblem {
  readonly code: PlanProblemCode;
  readonly nodeId: NodeId | null;
  readonly message: string;
  readonly nextAction: string;
}

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
  if (kind === 'apply' && topology.rke2.artifacts.from === 'pushed') {
    problems.push({
      code: 'artifacts-unsupported',
      nodeId: null,
      message: 'Release files cannot be pushed over SSH yet.',
      nextAction: 'Choose the internet or a mirror as the place where release files come from.',
    });
  }
  for (const node of topology.nodes) {
    const found = facts.find((candidate) => candidate.nodeId === node.id);
    problems.push(...refuseNode(topology, node, found, kind));
  }
  return problems;
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
  if (node.role === 'lb') {
    const message = `${node.name} is a load balancer, and load balancers are not set up by this version.`;
    return [
      problem(
        'load-balancer-unsupported',
        message,
        'Take it out of the topology or use an external load balancer.',
      ),
    ];
  }
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
  }
  if (kind === 'uninstall') return problems;
  if (facts.arch !== node.arch) {
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
  const other = node.role === 'server' ? 'agent' : 'server';
  if (isRunning(facts, `rke2-${other}.service`)) {
    const message = `${node.name} runs rke2-${other}, the topology says ${node.role}.`;
    problems.push(
      problem('other-role', message, `Uninstall RKE2 on ${node.name} first; a node cannot change its role.`),
    );
  }
  const version = refuseVersion(topology.rke2.version, facts.rke2Version, node);
  if (version) problems.push(problem(...version));
  return problems;
}

/** Downgrades need a snapshot of the older minor, and servers must not skip a minor (RKE2 docs upgrades/manual, roll-back). */
function refuseVersion(
  wantedText: string,
  foundText: string | null,
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
  if (wanted.minor > found.minor + 1) {
    const message = `${node.name} has RKE2 ${foundText}; ${wantedText} skips a minor version.`;
    return ['minor-skipped', message, `Go to v${found.major}.${found.minor + 1} first.`];
  }
  return null;
}

/** True where the unit runs or is on its way to. */
export function isRunning(facts: NodeFacts, unit: string): boolean {
  return ['active', 'activating', 'reloading'].includes(facts.units[unit]?.active ?? '');
}
