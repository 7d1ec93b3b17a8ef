import { expect, it } from 'vitest';
import { RunView } from '@/lib/run/run-view';
import { toKeptSummary } from './kept-summary';

it('says of a run without its log how it ended, and nothing of its steps', () => {
  const run = RunView.parse({
    id: 'r-1',
    siteId: 's-1',
    siteName: 'lab',
    planId: 'p-1',
    kind: 'apply',
    revision: 1,
    state: 'failed',
    steps: 21,
    stepsDone: 11,
    stepsSkipped: 1,
    onlyNodeId: null,
    cancelRequested: false,
    logBytes: 5,
    logDroppedAt: '2026-01-03T00:00:00Z',
    createdAt: '2026-01-01T00:00:00Z',
    createdBy: 'ann@example.com',
    startedAt: '2026-01-01T00:00:01Z',
    finishedAt: '2026-01-01T00:00:09Z',
  });
  expect(toKeptSummary(run)).toMatchObject({
    state: 'failed',
    steps: [],
    stepsTotal: 21,
    stepsDone: 11,
    stepsSkipped: 1,
    cause: null,
    finishedAt: run.finishedAt,
  });
});
