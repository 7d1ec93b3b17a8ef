import { describe, expect, it } from 'vitest';
import { NodeId, SecretId, SiteId } from '@/lib/core/ids';
import type { NodeFacts } from '@/lib/health/facts';
import { buildPlan } from '@/lib/plan/build-plan';
import { PlanKind } from '@/lib/plan/plan';
import { STEP_KINDS } from '@/lib/steps/catalogue';
import { applyPlanToFacts } from '@/lib/testing/apply-plan-to-facts';
import { makeFacts } from '@/lib/testing/make-facts';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';
import { PLAN_CASES } from './support/plan-cases';

const siteId = SiteId.parse('site-cases');
const nodeId = NodeId.parse('n-0');
const base = Topology.parse({
  ...toDefaultTopology('custom', [{ id: nodeId, name: 's1', internalIp: '192.0.2.11' }]),
  rke2: { artifacts: { from: 'mirror', url: 'http://192.0.2.1:8080' } },
  security: { serverToken: { id: SecretId.parse('sec-join'), version: 1 } },
});

interface Walked {
  readonly name: string;
  readonly kinds: readonly string[];
  /** Before the case. */
  readonly facts: readonly NodeFacts[];
}

/** The kinds of step of each case, planned one after the other as the drivers do it. */
function walkCases(): Walked[] {
  let facts: NodeFacts[] = base.nodes.map((node) => makeFacts(base, node));
  return PLAN_CASES.map(({ name, kind, toTopology, steps }) => {
    const before = facts;
    if (steps) {
      const own = steps({ nodeId, name: 's1', address: '192.0.2.11' });
      return { name, kinds: own.map((step) => step.kind ?? ''), facts: before };
    }
    const plan = buildPlan({ siteId, topology: toTopology(base), revision: 1, kind, facts });
    facts = applyPlanToFacts(facts, plan.steps);
    return { name, kinds: plan.steps.map((step) => step.kind), facts: before };
  });
}

/** Whether a plan of that kind comes about on the hosts of any case: bare, running, half way. */
function isBuilt(kind: PlanKind, walked: readonly Walked[]): boolean {
  return walked.some(({ facts }) => {
    try {
      buildPlan({ siteId, topology: base, revision: 1, kind, facts });
      return true;
    } catch {
      return false;
    }
  });
}

describe('the cases of the plan drivers', () => {
  it.for(PlanKind.options)('hold one of the kind %s that has steps, if it can be built', (kind) => {
    const walked = walkCases();
    const full = walked.filter(({ kinds }) => kinds.length > 0);
    const names = PLAN_CASES.flatMap((each) => (each.kind === kind && !each.steps ? [each.name] : []));
    const driven = full.filter(({ name }) => names.includes(name));
    expect(driven.length > 0 || !isBuilt(kind, walked), `no driver case for plans of the kind ${kind}`).toBe(
      true,
    );
  });

  it('hold every kind of step of the catalogue, and an empty plan', () => {
    const walked = walkCases();
    const kinds = new Set(walked.flatMap((each) => each.kinds));
    expect(Object.keys(STEP_KINDS).filter((kind) => !kinds.has(kind))).toEqual([]);
    expect(walked.some((each) => each.kinds.length === 0)).toBe(true);
  });

  it('have names of their own', () => {
    expect(new Set(PLAN_CASES.map(({ name }) => name)).size).toBe(PLAN_CASES.length);
  });
});
