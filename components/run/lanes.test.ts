import { describe, expect, it } from 'vitest';
import { Plan } from '@/lib/plan/plan';
import { toRunSummary } from '@/lib/run/run-summary';
import type { RunEvent, RunEventBody } from '@/lib/run/run-event';
import { toLanes, toTicks } from './lanes';

const [A, B] = ['a'.repeat(16), 'b'.repeat(16)];
const { steps } = Plan.parse({
  schemaVersion: 1,
  notices: [],
  id: 'p',
  siteId: 's-1',
  kind: 'apply',
  revision: 1,
  factsHash: '',
  steps: [A, B].map((id, index) => ({
    id,
    nodeId: `n-${index}`,
    kind: 'file.put',
    params: {},
    title: `step ${index}`,
    dependsOn: [],
    effect: '',
    restarts: [],
    quorum: null,
    estimateS: 1,
    diff: null,
  })),
});

function log(...bodies: [number, RunEventBody][]): RunEvent[] {
  return bodies.map(([second, body], index) => ({
    seq: index + 1,
    at: new Date(second * 1000).toISOString(),
    body,
  }));
}

describe('toLanes', () => {
  const events = log(
    [0, { type: 'run.claimed', worker: 'w', previousEpoch: null }],
    [0, { type: 'step.started', stepId: A, attempt: 1 }],
    [5, { type: 'step.finished', stepId: A, outcome: 'done', outputs: {} }],
    [5, { type: 'step.started', stepId: B, attempt: 1 }],
  );

  it('draws a bar per step that has begun, in its host’s lane', () => {
    const { lanes, lengthMs } = toLanes(steps, toRunSummary(events, [A, B]), 20_000);
    expect(lengthMs).toBe(20_000);
    expect(lanes.map((lane) => lane.bars)).toEqual([
      [{ stepId: A, title: 'step 0', state: 'done', from: 0, span: 0.25 }],
      [{ stepId: B, title: 'step 1', state: 'probing', from: 0.25, span: 0.75 }],
    ]);
  });

  it('stays inside the axis whatever the clocks say', () => {
    for (const lane of toLanes(steps, toRunSummary(events, [A, B]), -5_000).lanes) {
      for (const bar of lane.bars) {
        expect(bar.from).toBeGreaterThanOrEqual(0);
        expect(bar.from).toBeLessThanOrEqual(1);
        expect(bar.span).toBeGreaterThanOrEqual(0);
      }
    }
  });
});

it('sets few and round marks', () => {
  expect(toTicks(20_000)).toEqual([0, 5_000, 10_000, 15_000]);
  for (const length of [1_000, 59_000, 600_000, 20_000_000])
    expect(toTicks(length).length).toBeLessThanOrEqual(8);
});
