import { NodeId, SiteId } from '@/lib/core/ids';
import type { NodeFacts } from '@/lib/health/facts';
import { buildPlan } from '@/lib/plan/build-plan';
import type { Plan, PlanKind } from '@/lib/plan/plan';
import { Topology } from '@/lib/topology/topology';
import { applyPlanToFacts } from './apply-plan-to-facts';
import { exampleLayout } from './example-layout';
import { makeFacts } from './make-facts';

const siteId = SiteId.parse('site-ha');
/** The example layout of the architecture text. */
export const layout = exampleLayout();

/** Facts of bare hosts for all nodes. */
export const bare = (topology: Topology): NodeFacts[] =>
  topology.nodes.map((node) => makeFacts(topology, node));

export function plan(topology: Topology, facts: readonly NodeFacts[], kind: PlanKind = 'apply'): Plan {
  return buildPlan({ siteId, topology, revision: 1, kind, facts });
}

/** The layout's hosts as its first plan leaves them. */
export const running: readonly NodeFacts[] = applyPlanToFacts(bare(layout), plan(layout, bare(layout)).steps);

/** The facts with something else in those of one node, by its name. */
export function withFacts(
  facts: readonly NodeFacts[],
  name: string,
  more: (node: NodeFacts) => Partial<NodeFacts>,
): NodeFacts[] {
  return facts.map((node) => (node.nodeId === `n-${name}` ? { ...node, ...more(node) } : node));
}

export const withUnit = (unit: string, active: string) => (node: NodeFacts) => ({
  units: { ...node.units, [unit]: { load: 'loaded', active, enabled: 'enabled' } },
});

/** The topology with more servers, like its first node but without its addresses. */
export function withServers(topology: Topology, place: 'first' | 'last', ...names: string[]): Topology {
  const [one] = topology.nodes;
  const added = names.map((name, index) => ({
    ...one,
    id: NodeId.parse(`n-${name}`),
    name,
    internalIp: `192.168.10.${40 + index}`,
    externalIp: undefined,
  }));
  const nodes = place === 'first' ? [...added, ...topology.nodes] : [...topology.nodes, ...added];
  return Topology.parse({ ...topology, nodes });
}

/** Facts of every node of the topology: those that are given, bare hosts for the others. */
export const factsWith = (topology: Topology, facts: readonly NodeFacts[]): NodeFacts[] =>
  topology.nodes.map((node) => facts.find(({ nodeId }) => nodeId === node.id) ?? makeFacts(topology, node));
