import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import type { PlanStep } from '@/lib/plan/plan';
import { toTurns } from './to-turns';

function toStep(id: string, node: string, dependsOn: string[] = []): PlanStep {
  return {
    id,
    nodeId: NodeId.parse(`n-${node}`),
    kind: 'file.remove',
    params: {},
    title: id,
    dependsOn,
    effect: '',
    restarts: [],
    quorum: null,
    estimateS: 1,
    diff: null,
  };
}
const show = (steps: PlanStep[]) =>
  toTurns({ steps }).map(({ number, nodeId, steps: own, after }) => [
    number,
    nodeId,
    own.map((each) => `${each.number} ${each.step.id}`),
    after,
  ]);

describe('toTurns', () => {
  it('gives each host one turn where the order lets it, with what must come before', () => {
    const steps = [
      toStep('a', 's1'),
      toStep('b', 's1', ['a']),
      toStep('c', 's2'),
      toStep('d', 's2', ['c', 'b']),
      toStep('e', 'a1', ['b']),
    ];
    expect(show(steps)).toEqual([
      [1, 'n-s1', ['1 a', '2 b'], []],
      [2, 'n-s2', ['1 c', '2 d'], [1]],
      [3, 'n-a1', ['1 e'], [1]],
    ]);
  });

  it('comes back to a host for what waits for another one, and numbers its steps on', () => {
    const steps = [
      toStep('a', 's1'),
      toStep('b', 's2', ['a']),
      toStep('c', 's1', ['a', 'b']),
      toStep('d', 's1', ['c']),
    ];
    expect(show(steps)).toEqual([
      [1, 'n-s1', ['1 a'], []],
      [2, 'n-s2', ['1 b'], [1]],
      [3, 'n-s1', ['2 c', '3 d'], [1, 2]],
    ]);
  });

  it('refuses a step that stands before what it depends on, or depends on nothing that there is', () => {
    expect(() => toTurns({ steps: [toStep('b', 's1', ['a']), toStep('a', 's1')] })).toThrow(/step b/);
    expect(() => toTurns({ steps: [toStep('a', 's1', ['none'])] })).toThrow(/step a/);
  });

  it('keeps every dependency in any order that obeys "after", and loses no step', () => {
    const plans = fc
      .array(
        fc.record({
          node: fc.constantFrom('s1', 's2', 'a1'),
          before: fc.array(fc.nat(30), { maxLength: 3 }),
        }),
        {
          maxLength: 25,
        },
      )
      .map((drawn) =>
        drawn.map(({ node, before }, index) => {
          const ids = index === 0 ? [] : before.map((place) => `t${place % index}`);
          return toStep(`t${index}`, node, [...new Set(ids)]);
        }),
      );
    fc.assert(
      fc.property(plans, fc.infiniteStream(fc.nat(1_000)), (steps, draws) => {
        const turns = toTurns({ steps });
        const done = new Set<string>();
        let left = [...turns];
        while (left.length > 0) {
          // Any turn whose `after` have ended, chosen at random: what people who work side by side may do.
          const ready = left.filter(({ after }) => left.every(({ number }) => !after.includes(number)));
          const draw: number = draws.next().value ?? 0;
          const turn = ready[draw % ready.length];
          if (!turn) throw new Error('no turn may begin');
          const skipped = left.filter(({ nodeId, number }) => nodeId === turn.nodeId && number < turn.number);
          expect(skipped).toEqual([]); // a host's own turns keep their order
          for (const { step } of turn.steps) {
            expect(step.dependsOn.filter((id) => !done.has(id))).toEqual([]);
            done.add(step.id);
          }
          left = left.filter((other) => other !== turn);
        }
        expect(done.size).toBe(steps.length);
        for (const node of new Set(steps.map(({ nodeId }) => nodeId))) {
          const own = turns.filter(({ nodeId }) => nodeId === node).flatMap((turn) => turn.steps);
          expect(own.map(({ number }) => number)).toEqual(own.map((_, index) => index + 1));
          expect(own.map(({ step }) => step.id)).toEqual(
            steps.filter(({ nodeId }) => nodeId === node).map(({ id }) => id),
          );
        }
      }),
    );
  });
});
