import { describe, expect, it } from 'vitest';
import { Plan } from '@/lib/plan/plan';
import type { RunEvent, RunEventBody } from '@/lib/run/run-event';
import { toRunSummary } from '@/lib/run/run-summary';
import { listDependants, toPresentWords } from './run-words';

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(16)) as [
  string,
  string,
  string,
  string,
];
const plan = Plan.parse({
  schemaVersion: 1,
  notices: [],
  id: 'p',
  siteId: 's-1',
  kind: 'apply',
  revision: 1,
  factsHash: '',
  steps: [
    { id: A, nodeId: 'n-1', dependsOn: [] },
    { id: B, nodeId: 'n-1', dependsOn: [A] },
    { id: C, nodeId: 'n-2', dependsOn: [B] },
    { id: D, nodeId: 'n-2', dependsOn: [] },
  ].map((step) => ({
    kind: 'file.put',
    params: {},
    title: `do ${step.id.slice(0, 1)}`,
    effect: '',
    restarts: [],
    quorum: null,
    estimateS: 1,
    diff: null,
    ...step,
  })),
});
const failure = { code: 'connection-lost' as const, message: 'The link broke.', nextAction: '' };

function wordsOf(bodies: readonly RunEventBody[], isCancelling = false): readonly string[] {
  const notes: RunEvent[] = bodies.map((body, index) => ({
    seq: index + 1,
    at: new Date(index * 1_000).toISOString(),
    body,
  }));
  const summary = toRunSummary(
    notes,
    plan.steps.map((step) => step.id),
  );
  const nodeName = (nodeId: string) => nodeId.replace('n-', 's');
  return toPresentWords({ plan, summary, notes, isCancelling, nodeName, nowMs: 16_000 });
}

const begun: RunEventBody[] = [
  { type: 'run.claimed', worker: 'w', previousEpoch: null },
  { type: 'step.started', stepId: A, attempt: 1 },
  { type: 'step.act-started', stepId: A, attempt: 1 },
];

it('finds everything that waits for a step', () => {
  expect(listDependants(plan, A).map((step) => step.id)).toEqual([B, C]);
  expect(listDependants(plan, D)).toEqual([]);
});

describe('what is true right now', () => {
  it('says nothing while all is well', () => {
    expect(wordsOf(begun)).toEqual([]);
  });

  it('says since when a host is lost, and that its step goes on there', () => {
    expect(wordsOf([...begun, { type: 'host.lost', nodeId: 'n-1', failure }])).toEqual([
      's1: connection lost 13 s ago, trying again; step 1, “do a”, goes on there.',
    ]);
    expect(wordsOf([...begun, { type: 'host.lost', nodeId: 'n-2', failure }])).toEqual([
      's2: connection lost 13 s ago, trying again.',
    ]);
  });

  it('is silent once the host is back, and once the run is over', () => {
    const lost: RunEventBody[] = [...begun, { type: 'host.lost', nodeId: 'n-1', failure }];
    expect(wordsOf([...lost, { type: 'host.back', nodeId: 'n-1', rebooted: false }])).toEqual([]);
    expect(wordsOf([...lost, { type: 'run.finished', state: 'unreachable', failure }])).toEqual([]);
  });

  it('names the step that a cancel waits for, while it runs', () => {
    const reason = 'a join cut short leaves a dead member';
    const deferred: RunEventBody[] = [...begun, { type: 'step.cancel-deferred', stepId: A, reason }];
    expect(wordsOf(deferred, true)).toEqual([
      `Cancelling; waits for step 1, “do a”, which must not be cut: ${reason}.`,
    ]);
    const ended: RunEventBody = { type: 'step.finished', stepId: A, outcome: 'done', outputs: {} };
    expect(wordsOf([...deferred, ended], true)).toEqual([
      'Cancelling: what runs on the hosts is being stopped.',
    ]);
  });
});
