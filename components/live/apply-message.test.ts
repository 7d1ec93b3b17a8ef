import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '@/lib/run/run-event';
import { RunView } from '@/lib/run/run-view';
import { SiteView } from '@/lib/topology/site-view';
import { applyMessage } from './apply-message';
import { queryKeys } from './query-keys';
import type { RunTail } from './run-tail';

function run(id: string, createdAt: string, state = 'queued'): RunView {
  return RunView.parse({
    id,
    siteId: 's-1',
    siteName: 'x',
    planId: 'p',
    kind: 'apply',
    revision: 1,
    state,
    steps: 3,
    stepsDone: 0,
    stepsSkipped: 0,
    onlyNodeId: null,
    logBytes: 0,
    logDroppedAt: null,
    cancelRequested: false,
    createdAt,
    createdBy: 'ada',
    startedAt: null,
    finishedAt: null,
  });
}
function site(id: string, name: string): SiteView {
  return SiteView.parse({
    id,
    name,
    pattern: 'custom',
    revision: 1,
    appliedRevision: null,
    servers: 1,
    agents: 0,
    loadBalancers: 0,
    rke2Version: 'v1.35.7+rke2r1',
    createdAt: '',
    createdBy: '',
    now: null,
    activeRun: null,
  });
}
const event = (seq: number): RunEvent => ({ seq, at: '', body: { type: 'step.cancelled', stepId: 'x' } });

describe('applyMessage', () => {
  it('keeps one entry per site and takes a deleted one out', () => {
    const client = new QueryClient();
    const names = () => client.getQueryData<SiteView[]>(queryKeys.sites())?.map((each) => each.name);
    applyMessage(client, { type: 'site', siteId: 's-1', site: site('s-1', 'one') });
    applyMessage(client, { type: 'site', siteId: 's-2', site: site('s-2', 'two') });
    applyMessage(client, { type: 'site', siteId: 's-1', site: site('s-1', 'renamed') });
    expect(names()).toEqual(['renamed', 'two']);
    applyMessage(client, { type: 'site', siteId: 's-1', site: null });
    expect(names()).toEqual(['two']);
    expect(client.getQueryData(queryKeys.site('s-1'))).toBeNull();
  });

  it('keeps runs newest first and changes them in place', () => {
    const client = new QueryClient();
    const states = () =>
      client.getQueryData<RunView[]>(queryKeys.runs())?.map((each) => `${each.id} ${each.state}`);
    applyMessage(client, { type: 'run', run: run('r-1', '2026-01-01') });
    applyMessage(client, { type: 'run', run: run('r-2', '2026-01-02') });
    applyMessage(client, { type: 'run', run: run('r-1', '2026-01-01', 'done') });
    expect(states()).toEqual(['r-2 queued', 'r-1 done']);
  });

  it('adds log events once, whatever a reconnect repeats', () => {
    const client = new QueryClient();
    const add = (...seqs: number[]) =>
      applyMessage(client, {
        type: 'run-events',
        runId: 'r-1',
        events: seqs.map(event),
        last: seqs.at(-1) ?? 0,
      });
    add(1, 2);
    add(2, 3);
    add(1, 2, 3);
    const tail = client.getQueryData<RunTail>(queryKeys.runTail('r-1'));
    expect(tail?.newest.map((each) => each.seq)).toEqual([1, 2, 3]);
    expect(tail?.last).toBe(3);
  });
});
