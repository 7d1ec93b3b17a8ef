import { AppError } from '@/lib/core/errors';
import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import type { NodeId, SiteId } from '@/lib/core/ids';
import { isActive } from '@/lib/health/check-result';
import type { NodeFacts } from '@/lib/health/facts';
import { CLUSTER_VERIFY_STAMP } from '@/lib/steps/cluster-verify';
import { STEP_KINDS } from '@/lib/steps/catalogue';
import type { StepKindName } from '@/lib/steps/catalogue';
import { agents, clusterNodes, firstServer, loadBalancers, servers } from '@/lib/topology/find-node';
import { apiUrl } from '@/lib/topology/registration';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toCertificateNotices } from './certificate-words';
import { hashFacts } from './hash-facts';
import { PLAIN } from './file-work';
import type { Work } from './file-work';
import { toLabelWork } from './label-work';
import { toLoadBalancerWork } from './load-balancer-work';
import { toNodeWork } from './node-work';
import type { Plan, PlanKind, PlanStep } from './plan';
import { isRunning } from './is-running';
import { refusePlan } from './refuse-plan';
import { listClusterNodes, toLeftNotices, toUndrawnNotices, toUndrawnPeerNotices } from './undrawn-nodes';
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
  'sysusers.apply': 1,
  'units.reload': 1,
  'artifact.fetch': 30,
  'artifact.push': 60,
  'images.place': 10,
  'rke2.install': 10,
  'service.start': 120,
  'service.restart': 60,
  'service.reload': 2,
  'service.stop': 5,
  'lb.packages': 30,
  'lb.put': 1,
  'lb.ready': 8,
  'rke2.ready': 60,
  'nodes.label': 3,
  'cluster.verify': 5,
  'rke2.uninstall': 60,
};

/**
 * The steps that bring hosts from their facts to a topology: the same input gives the same plan, hosts that already
 * match give an empty one. Order: load balancers one at a time, those that serve first; members of etcd that are away, all
 * at once, because a cluster without quorum starts only together; then each server when the one before it is Ready and a voting member,
 * running ones before those that join; agents after the last server, at most `AGENTS_AT_ONCE` at a time; at the end
 * labels and taints, and a look at the whole. What disturbs nothing that runs (downloads, files of a host without RKE2) waits for nobody.
 * Throws an `AppError` in the words of `refusePlan`.
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
  const notices =
    kind === 'apply'
      ? [
          ...toUndrawnNotices(topology, facts),
          ...toUndrawnPeerNotices(topology, facts),
          ...toCertificateNotices(topology, facts, builder.steps),
        ]
      : [...toLeftNotices(topology, facts)];
  const identity = notices.length > 0 ? { ...body, notices } : body;
  return { ...body, notices, id: `p-${sha256Hex(canonicalJson(identity)).slice(0, 32)}` };
}

function addApplySteps(list: StepList, topology: Topology, facts: readonly NodeFacts[]): void {
  let barrier: readonly string[] = [];
  /** One node's work behind the barrier; null where nothing of it waits. */
  const add = (node: TopologyNode, works: readonly Work[], ...before: string[]): string | null => {
    const { last, isGated } = list.addChain(
      node,
      works,
      toGate(factsFor(facts, node.id), node),
      ...barrier,
      ...before,
    );
    return isGated ? last : null;
  };
  for (const node of toBalancerOrder(topology, facts)) {
    const last = add(node, toLoadBalancerWork(topology, node, factsFor(facts, node.id)));
    if (last !== null) barrier = [last];
  }
  const toWork = (node: TopologyNode) => toNodeWork(topology, node, factsFor(facts, node.id));
  const { still, others } = toServerOrder(topology, facts);
  const started = still.flatMap((node) => add(node, toWork(node)) ?? []);
  if (started.length > 0) barrier = started;
  for (const node of others) {
    const last = add(node, toWork(node));
    if (last !== null) barrier = [last];
  }
  const ends: string[] = [];
  for (const node of agents(topology)) {
    const before = ends.at(-AGENTS_AT_ONCE);
    const last = add(node, toWork(node), ...(before === undefined ? [] : [before]));
    if (last !== null) ends.push(last);
  }
  const labelled = firstServer(topology);
  if (labelled) {
    const works = toLabelWork(topology, factsFor(facts, labelled.id));
    list.addChain(labelled, works, () => true, ...list.ends());
  }
  addVerification(list, topology, facts);
}

/** Those whose keepalived runs come first: they learn of a new one before it can take the virtual IP beside them. */
function toBalancerOrder(topology: Topology, facts: readonly NodeFacts[]): TopologyNode[] {
  const all = loadBalancers(topology);
  const runs = ({ id }: TopologyNode) => isRunning(factsFor(facts, id), 'keepalived.service');
  return [...all.filter(runs), ...all.filter((node) => !runs(node))];
}

/**
 * Members of etcd that do not vote now (stopped, or failing again and again), and the other servers: those that run, then
 * those that join. No voter restarts while another member is away.
 */
function toServerOrder(topology: Topology, facts: readonly NodeFacts[]) {
  const all = servers(topology).map((node) => ({ node, found: factsFor(facts, node.id) }));
  const runs = ({ found }: { found: NodeFacts }) => isActive(found, 'rke2-server.service');
  const isStill = (each: { found: NodeFacts }) => each.found.hasEtcdData && !runs(each);
  const running = all.filter(runs);
  const bare = all.filter((each) => !runs(each) && !isStill(each));
  return {
    still: all.filter(isStill).map(({ node }) => node),
    others: [...running, ...bare].map(({ node }) => node),
  };
}

/** A host alone says all by its own last step; more of them are looked at together, after everything else. */
function addVerification(list: StepList, topology: Topology, facts: readonly NodeFacts[]): void {
  const first = firstServer(topology);
  if (!first || topology.nodes.length === 1) return;
  const url = apiUrl(topology);
  const nodes = clusterNodes(topology).map(({ name, role }) => ({ name, role }));
  const stamp = sha256Hex(canonicalJson({ nodes, url }));
  const isSeen = factsFor(facts, first.id).stamps[CLUSTER_VERIFY_STAMP] === stamp;
  if (isSeen && list.steps.length === 0) return;
  const verify: Work = {
    ...PLAIN,
    kind: 'cluster.verify',
    params: { nodes, apiUrl: url, stamp },
    effect: `waits until all nodes are Ready, all servers vote and ${url} answers; changes nothing`,
    phase: 'serve',
  };
  list.addChain(first, [verify], () => true, ...list.ends());
}

/** Agents first and all at once, then the servers one at a time from the last to the first, then the load balancers. */
function addUninstallSteps(list: StepList, topology: Topology, facts: readonly NodeFacts[]): void {
  let before: readonly string[] = [];
  const add = (node: TopologyNode): string[] => {
    const works = toUninstallWork(topology, node, factsFor(facts, node.id));
    const { last } = list.addChain(node, works, () => true, ...before);
    return last === null ? [] : [last];
  };
  before = agents(topology).flatMap(add);
  for (const node of servers(topology).reverse()) {
    const ends = add(node);
    if (ends.length > 0) before = ends;
  }
  for (const node of loadBalancers(topology)) add(node);
}

/** What may not happen before the nodes in front are done: a start, and on a host that serves already each change as well. */
function toGate(facts: NodeFacts, node: TopologyNode): (work: Work) => boolean {
  const runs = isRunning(facts, node.role === 'lb' ? 'nginx.service' : `rke2-${node.role}.service`);
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
  /** Voting members of etcd, those that are away too: the quorum is theirs. */
  private members: number;

  constructor(topology: Topology, facts: readonly NodeFacts[]) {
    const serverIds = new Set(servers(topology).map(({ id }) => id));
    this.voters = facts.filter(
      (node) => serverIds.has(node.nodeId) && isActive(node, 'rke2-server.service'),
    ).length;
    const known = listClusterNodes(topology, facts).filter(({ isVoter }) => isVoter);
    this.members = Math.max(this.voters, known.length);
  }

  /** Adds one node's work, each after the one before; the first gated one also waits for `barriers`. */
  addChain(
    node: TopologyNode,
    works: readonly Work[],
    isGate: (work: Work) => boolean,
    ...barriers: string[]
  ): { last: string | null; isGated: boolean } {
    let last: string | null = null;
    let isGated = false;
    for (const work of works) {
      const opensGate: boolean = !isGated && isGate(work);
      isGated ||= opensGate;
      const dependsOn = [...(last === null ? [] : [last]), ...(opensGate ? barriers : [])];
      last = this.add(node, work, [...new Set(dependsOn)]);
    }
    return { last, isGated };
  }

  /** The steps that no other step waits for. */
  ends(): string[] {
    const awaited = new Set(this.steps.flatMap(({ dependsOn }) => dependsOn));
    return this.steps.map(({ id }) => id).filter((id) => !awaited.has(id));
  }

  private add(node: TopologyNode, work: Work, dependsOn: string[]): string {
    const id = this.toStepId(node.id, work);
    const { voters, members } = this;
    const quorum = work.touchesQuorum && voters > 0 ? `${voters - 1} of ${members}` : null;
    if (work.kind === 'rke2.uninstall' && quorum !== null) {
      this.voters -= 1;
      this.members -= 1;
    }
    const comesBack =
      work.kind === 'service.start' || (work.kind === 'service.restart' && !work.touchesQuorum);
    if (comesBack && node.role === 'server') this.voters += 1;
    this.members = Math.max(this.members, this.voters);
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
