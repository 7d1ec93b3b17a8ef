import { AppError } from '@/lib/core/errors';
import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import type { NodeId, SiteId } from '@/lib/core/ids';
import type { NodeFacts } from '@/lib/health/facts';
import { STEP_KINDS } from '@/lib/steps/catalogue';
import type { StepKindName } from '@/lib/steps/catalogue';
import { agents, servers } from '@/lib/topology/find-node';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { hashFacts } from './hash-facts';
import { toNodeWork } from './node-work';
import type { Work } from './node-work';
import type { Plan, PlanKind, PlanStep } from './plan';
import { isRunning, refusePlan } from './plan-problem';
import { toUninstallWork } from './uninstall-work';

export interface PlanInput {
  readonly siteId: SiteId;
  readonly topology: Topology;
  readonly revision: number;
  readonly kind: PlanKind;
  /** One per node; the order does not matter. */
  readonly facts: readonly NodeFacts[];
}

/** Agents that join or restart at the same time (RKE2 docs install/requirements advise batches of at most 50). */
export const AGENTS_AT_ONCE = 10;

/** Rough seconds per kind of step, for the estimate of a plan. */
const ESTIMATE_S: Readonly<Record<StepKindName, number>> = {
  'file.put': 1,
  'file.remove': 1,
  'sysctl.apply': 1,
  'modules.load': 2,
  'artifact.fetch': 30,
  'images.place': 10,
  'rke2.install': 10,
  'service.start': 120,
  'service.restart': 60,
  'service.reload': 2,
  'rke2.ready': 60,
  'rke2.uninstall': 60,
};

/**
 * The steps that bring hosts from their facts to a topology: the same input gives the same plan, hosts that already
 * match give an empty one. Order: each server's start waits for the server before it to be Ready (and a voting etcd
 * member), agents wait for the last server and come at most `AGENTS_AT_ONCE` at a time; what disturbs nothing that runs
 * (downloads, files of a host without RKE2) waits for nobody. Throws an `AppError` in the words of `refusePlan`.
 */
export function buildPlan({ siteId, topology, revision, kind, facts }: PlanInput): Plan {
  const problems = refusePlan(topology, facts, kind);
  if (problems.length > 0) {
    const words = problems.map(({ message, nextAction }) => `${message} ${nextAction}`);
    throw new AppError('precondition-failed', words.join('\n'));
  }
  const builder = new StepList(topology, facts);
  if (kind === 'apply') addApplySteps(builder, topology, facts);
  else addUninstallSteps(builder, topology, facts);
  const body = {
    schemaVersion: 1 as const,
    siteId,
    kind,
    revision,
    factsHash: hashFacts(facts),
    steps: builder.steps,
  };
  return { ...body, id: `p-${sha256Hex(canonicalJson(body)).slice(0, 32)}` };
}

function addApplySteps(list: StepList, topology: Topology, facts: readonly NodeFacts[]): void {
  let barrier: string | null = null;
  for (const node of servers(topology)) {
    const factsOfNode = factsFor(facts, node.id);
    const chain = list.addChain(
      node,
      toNodeWork(topology, node, factsOfNode),
      toGate(factsOfNode, node),
      barrier,
    );
    if (chain.isGated) barrier = chain.last;
  }
  const ends: (string | null)[] = [];
  for (const node of agents(topology)) {
    const before = ends[ends.length - AGENTS_AT_ONCE] ?? null;
    const factsOfNode = factsFor(facts, node.id);
    const works = toNodeWork(topology, node, factsOfNode);
    const chain = list.addChain(node, works, toGate(factsOfNode, node), barrier, before);
    if (chain.isGated) ends.push(chain.last);
  }
}

/** Agents first and all at once, then the servers one at a time from the last to the first. */
function addUninstallSteps(list: StepList, topology: Topology, facts: readonly NodeFacts[]): void {
  let before: (string | null)[] = agents(topology).map((node) => {
    const works = toUninstallWork(topology, node, factsFor(facts, node.id));
    return list.addChain(node, works, () => true).last;
  });
  for (const node of servers(topology).reverse()) {
    const works = toUninstallWork(topology, node, factsFor(facts, node.id));
    const { last } = list.addChain(node, works, () => true, ...before);
    if (last !== null) before = [last];
  }
}

/** What may not happen before the nodes in front are done: a start, and on a host that runs RKE2 each change as well. */
function toGate(facts: NodeFacts, node: TopologyNode): (work: Work) => boolean {
  const runs = isRunning(facts, `rke2-${node.role}.service`);
  return ({ phase }) => phase === 'serve' || (runs && phase === 'change');
}

function factsFor(facts: readonly NodeFacts[], nodeId: NodeId): NodeFacts {
  const found = facts.find((candidate) => candidate.nodeId === nodeId);
  if (!found) throw new Error(`no facts of ${nodeId}`); // refusePlan has asked for them already
  return found;
}

/** Steps in a topological order, with their ids. */
class StepList {
  readonly steps: PlanStep[] = [];
  private readonly ids = new Set<string>();
  private voters: number;

  constructor(topology: Topology, facts: readonly NodeFacts[]) {
    const serverIds = new Set(servers(topology).map(({ id }) => id));
    this.voters = facts.filter(
      (node) => serverIds.has(node.nodeId) && isRunning(node, 'rke2-server.service'),
    ).length;
  }

  /** Adds one node's work, each after the one before; the first gated one also waits for `barriers`. */
  addChain(
    node: TopologyNode,
    works: readonly Work[],
    isGate: (work: Work) => boolean,
    ...barriers: (string | null)[]
  ): { last: string | null; isGated: boolean } {
    let last: string | null = null;
    let isGated = false;
    for (const work of works) {
      const opensGate: boolean = !isGated && isGate(work);
      isGated ||= opensGate;
      const dependsOn = [last, ...(opensGate ? barriers : [])].filter((id) => id !== null);
      last = this.add(node, work, [...new Set(dependsOn)]);
    }
    return { last, isGated };
  }

  private add(node: TopologyNode, work: Work, dependsOn: string[]): string {
    const id = this.toStepId(node.id, work);
    const total = this.voters;
    const quorum = work.touchesQuorum && total > 0 ? `${total - 1} of ${total}` : null;
    if (work.kind === 'rke2.uninstall' && quorum !== null) this.voters -= 1;
    this.steps.push({
      id,
      nodeId: node.id,
      kind: work.kind,
      params: { ...work.params },
      title: STEP_KINDS[work.kind].toTitle(work.params),
      dependsOn,
      effect: quorum === null ? work.effect : `${work.effect}; ${quorum} voting servers run while it does`,
      restarts: [...work.restarts],
      quorum,
      estimateS: ESTIMATE_S[work.kind],
      diff: work.diff,
    });
    return id;
  }

  /** The same work has the same id in every plan; the second occurrence in one plan carries its ordinal. */
  private toStepId(nodeId: NodeId, { kind, params }: Work): string {
    for (let ordinal = 0; ; ordinal += 1) {
      const what = { nodeId, kind, params, ...(ordinal > 0 && { ordinal }) };
      const id = sha256Hex(canonicalJson(what)).slice(0, 16);
      if (this.ids.has(id)) continue;
      this.ids.add(id);
      return id;
    }
  }
}
