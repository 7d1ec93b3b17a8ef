import { describe, expect, it } from 'vitest';
import { Plan } from '@/lib/plan/plan';
import type { PlanStep } from '@/lib/plan/plan';
import { toApplyWords, toEstimateS, toPlanGroups } from './plan-facts';

function step(
  id: string,
  nodeId: string,
  estimateS: number,
  dependsOn: string[] = [],
): Record<string, unknown> {
  return {
    id: id.padEnd(16, '0'),
    nodeId,
    kind: 'file.put',
    params: {},
    title: id,
    dependsOn: dependsOn.map((each) => each.padEnd(16, '0')),
    effect: '',
    restarts: [],
    quorum: null,
    estimateS,
    diff: null,
  };
}

function plan(steps: Record<string, unknown>[], kind = 'apply'): Plan {
  return Plan.parse({ schemaVersion: 1, id: 'p', siteId: 's-1', kind, revision: 1, factsHash: '', steps });
}

const steps: readonly PlanStep[] = plan([
  step('a1', 'n-1', 10),
  step('a2', 'n-1', 10, ['a1']),
  step('b1', 'n-2', 15),
  step('b2', 'n-2', 10, ['a2']),
]).steps;

describe('toPlanGroups', () => {
  it('keeps the order and starts a new group where the node changes', () => {
    expect(
      toPlanGroups(steps).map((group) => [group.nodeId, group.steps.map(({ number }) => number)]),
    ).toEqual([
      ['n-1', [1, 2]],
      ['n-2', [3, 4]],
    ]);
  });
});

it('names what Apply will do', () => {
  expect(toApplyWords(plan([step('a1', 'n-1', 1)]))).toBe('Apply 1 step to 1 host');
  expect(toApplyWords(plan([step('a1', 'n-1', 1), step('b1', 'n-2', 1)], 'uninstall'))).toBe(
    'Uninstall with 2 steps on 2 hosts',
  );
});

it('adds up the time along hosts and dependencies', () => {
  expect(toEstimateS(steps)).toBe(30);
  expect(toEstimateS([])).toBe(0);
});
