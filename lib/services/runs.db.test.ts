import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appendRunEvents, claimRun } from '@/lib/db/run-log';
import { claimSite } from '@/lib/db/site-lease';
import { SiteId } from '@/lib/core/ids';
import type { RunEvent, RunState } from '@/lib/run/run-event';
import { insertPreflight } from '@/lib/testing/factories';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import type { ServiceContext } from './context';
import { createJob } from './jobs/create-job';
import { getPlan } from './plans/get-plan';
import { cancelRun } from './runs/cancel-run';
import { createRun } from './runs/create-run';
import { getRun } from './runs/get-run';
import { listRunEvents } from './runs/list-run-events';
import { listRuns } from './runs/list-runs';
import { retryRun } from './runs/retry-run';
import { createSite } from './sites/create-site';
import { parsePositions, parseTopics } from './stream/parse-topics';
import type { StreamEvent } from './stream/watch-topics';
import { watchTopics } from './stream/watch-topics';
import { getTopology } from './topology/get-topology';
import { putTopology } from './topology/put-topology';
import { setGrants } from './users/set-grants';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
let siteId: string;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }], 'correct horse battery');
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.web.pool.query('DELETE FROM rate_limit');
  count += 1;
  const topology = { pattern: 'custom', nodes: [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }] };
  siteId = (await createSite(admin, { name: `site ${count}`, topology })).siteId;
});

const STEP = {
  kind: 'file.put',
  params: {},
  dependsOn: [],
  effect: '',
  restarts: [],
  quorum: null,
  estimateS: 1,
  diff: null,
};

/** A plan as a worker stores it. */
async function storePlan(steps = 2, revision = 1, kind = 'apply'): Promise<string> {
  const planId = `p-${count}-${revision}-${steps}-${kind}`;
  const body = {
    schemaVersion: 1,
    id: planId,
    siteId,
    kind,
    revision,
    factsHash: 'f',
    steps: Array.from({ length: steps }, (_, i) => ({
      ...STEP,
      id: String(i).padStart(16, '0'),
      nodeId: 'n-1',
      title: `step ${i}`,
    })),
  };
  const row = {
    id: planId,
    siteId,
    kind,
    revision,
    factsHash: 'f',
    body,
    facts: [],
    createdBy: 'worker',
  };
  await database.worker.prisma.plan.create({ data: row });
  await insertPreflight(database.worker.pool, siteId, { revision });
  return planId;
}

/** A worker takes the site's run. */
async function claim() {
  const lease = await claimSite(database.worker.pool, 'test worker', { ttlMs: 60_000, exclude: [] });
  if (!lease) throw new Error('no site to claim');
  expect(lease.siteId).toBe(siteId);
  const run = await claimRun(database.worker, lease, 'test worker');
  if (!run) throw new Error('no run to claim');
  return { runId: run.runId, epoch: lease.epoch, siteClaim: lease };
}
async function finish(runId: string, epoch: bigint, state: RunState): Promise<void> {
  const events = [{ type: 'run.finished' as const, state, failure: null }];
  await appendRunEvents(database.worker, { runId, epoch, events, run: { state, finished: true } });
}
const seqsOf = (events: readonly RunEvent[]) => events.map(({ seq }) => seq);

describe('runs', () => {
  it('are filed with their steps, their first event and a nudge, one per site', async () => {
    const planId = await storePlan(3);
    const run = await createRun(admin, { planId });
    expect(run).toMatchObject({ state: 'queued', steps: 3, createdBy: admin.actor.email, kind: 'apply' });
    const { events, last, more } = await listRunEvents(admin, { runId: run.id });
    expect(events.map(({ body }) => body)).toEqual([{ type: 'run.queued', by: admin.actor.email, steps: 3 }]);
    expect([last, more]).toEqual([1, false]);
    expect(await database.web.prisma.runStep.count({ where: { runId: run.id } })).toBe(3);
    await expect(createRun(admin, { planId })).rejects.toThrow(/is active on this site/);
    expect(await getPlan(admin, { planId })).toMatchObject({ runId: run.id, stale: null });
    expect((await listRuns(admin, { siteId })).runs).toHaveLength(1);
    await cancelRun(admin, { runId: run.id });
    const claimed = await claim();
    await finish(claimed.runId, claimed.epoch, 'cancelled');
  });

  it('come one at a time even when two people start them at once', async () => {
    const planId = await storePlan();
    const starts = await Promise.allSettled([1, 2, 3, 4].map(() => createRun(admin, { planId })));
    expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const start of starts)
      if (start.status === 'rejected') expect(start.reason).toMatchObject({ code: 'conflict' });
    const { runId, epoch } = await claim();
    await finish(runId, epoch, 'done');
  });

  it('are refused for empty and stale plans', async () => {
    await expect(createRun(admin, { planId: await storePlan(0) })).rejects.toThrow(/is empty/);
    const planId = await storePlan();
    const { topology, etag } = await getTopology(admin, { siteId });
    await putTopology(admin, { siteId, topology: { ...topology, notes: 'changed' }, etag });
    await expect(createRun(admin, { planId })).rejects.toThrow(/revision 2.*revision 1/);
    expect((await getPlan(admin, { planId })).stale).toMatch(/Plan again/);
  });

  it('use a plan once, until planning anew gives it again', async () => {
    const planId = await storePlan();
    await createRun(admin, { planId });
    const { runId, epoch } = await claim();
    await finish(runId, epoch, 'done');
    await expect(createRun(admin, { planId })).rejects.toThrow(/was run already/);
    const job = await createJob(admin, { kind: 'plan', siteId });
    await database.worker.prisma.job.update({
      where: { id: job.id },
      data: {
        state: 'done',
        finishedAt: new Date(Date.now() + 5),
        result: { planId, steps: 2, problems: [] },
      },
    });
    await insertPreflight(database.worker.pool, siteId);
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
    await database.worker.prisma.run.updateMany({ where: { siteId }, data: { state: 'done' } });
  });

  it('are retried after their end, not before, and say who asked', async () => {
    const planId = await storePlan();
    await createRun(admin, { planId });
    const { runId, epoch } = await claim();
    await expect(retryRun(admin, { runId })).rejects.toMatchObject({ code: 'conflict' });
    await finish(runId, epoch, 'failed');
    // A run that is over stays as it ended (I10).
    expect(await cancelRun(admin, { runId })).toMatchObject({ state: 'failed', cancelRequested: false });
    await database.worker.prisma.runStep.updateMany({
      where: { runId },
      data: { state: 'failed', attempt: 1 },
    });
    expect(await retryRun(admin, { runId })).toMatchObject({ state: 'queued', finishedAt: null });
    const steps = await database.worker.prisma.runStep.findMany({ where: { runId } });
    expect(steps.length).toBeGreaterThan(0);
    // What failed starts again, with a new attempt: the old one's act on the host is never taken for the new one.
    for (const step of steps) expect(step).toMatchObject({ state: 'waiting', attempt: 1, finishedAt: null });
    const { events } = await listRunEvents(admin, { runId });
    expect(events.at(-1)?.body).toEqual({ type: 'run.retry-requested', by: admin.actor.email });
    expect(seqsOf(events)).toEqual([1, 2, 3, 4]);
    await database.worker.prisma.run.updateMany({ where: { siteId }, data: { state: 'done' } });
  });

  it('that uninstall are retried only by who may uninstall', async () => {
    await createRun(admin, { planId: await storePlan(2, 1, 'uninstall') });
    const { runId, epoch } = await claim();
    await finish(runId, epoch, 'failed');
    const operator = await web.createPerson([{ siteId: SiteId.parse(siteId), role: 'operator' }]);
    await expect(retryRun(operator, { runId })).rejects.toMatchObject({ code: 'forbidden' });
    expect(await retryRun(admin, { runId })).toMatchObject({ state: 'queued' });
    await database.worker.prisma.run.updateMany({ where: { siteId }, data: { state: 'done' } });
  });

  it('keep one whole sequence while a worker writes and people cancel (contract 2)', async () => {
    const planId = await storePlan();
    await createRun(admin, { planId });
    const { runId, epoch } = await claim();
    const output = {
      type: 'step.output' as const,
      stepId: '0'.repeat(16),
      offset: 0,
      nextOffset: 1,
      text: 'x',
    };
    const write = () => appendRunEvents(database.worker, { runId, epoch, events: [output, output] });
    await Promise.all([
      write(),
      cancelRun(admin, { runId }),
      write(),
      cancelRun(admin, { runId }),
      write(),
      write(),
    ]);
    const { events } = await listRunEvents(admin, { runId });
    expect(seqsOf(events)).toEqual(Array.from({ length: 11 }, (_, i) => i + 1));
    expect(events.filter(({ body }) => body.type === 'run.cancel-requested')).toHaveLength(1);
    expect(await getRun(admin, { runId })).toMatchObject({ cancelRequested: true, state: 'running' });
    await finish(runId, epoch, 'cancelled');
  });
});

describe('streams', () => {
  /** Reads a stream in the background until it is closed. */
  async function follow(
    ctx: ServiceContext,
    topics: string,
    more: Partial<Parameters<typeof watchTopics>[1]> = {},
  ) {
    const stop = new AbortController();
    const seen: StreamEvent[] = [];
    const options = {
      topics: parseTopics(topics),
      lastEventId: null,
      signal: stop.signal,
      reload: () => Promise.resolve(ctx),
      ...more,
    };
    const events = await watchTopics(ctx, options);
    const reading = (async () => {
      for await (const event of events) seen.push(event);
    })();
    const close = async (): Promise<void> => {
      stop.abort();
      await reading;
    };
    return { seen, close, reading };
  }
  const eventsOf = (seen: readonly StreamEvent[]) =>
    seen.flatMap(({ event, data }) =>
      event === 'run-events' ? (data as { events: RunEvent[] }).events : [],
    );

  it('deliver a log without gap or double across reconnects', async () => {
    await createRun(admin, { planId: await storePlan() });
    const { runId, epoch } = await claim();
    const output = (n: number) => ({
      type: 'step.output' as const,
      stepId: '0'.repeat(16),
      offset: n,
      nextOffset: n + 1,
      text: String(n),
    });
    let written = 0;
    const write = async (amount: number): Promise<void> => {
      const events = Array.from({ length: amount }, () => output((written += 1)));
      await appendRunEvents(database.worker, { runId, epoch, events });
    };
    await write(700);
    const first = await follow(admin, `run:${runId}`);
    await waitFor(() => eventsOf(first.seen).length >= 702, { what: 'what was there before' });
    await write(3);
    await waitFor(() => eventsOf(first.seen).length >= 705, { what: 'what came' });
    await first.close();
    await write(5);
    const lastEventId = first.seen.filter(({ id }) => id).at(-1)?.id ?? null;
    expect(parsePositions(lastEventId).get(runId)).toBe(705);
    const second = await follow(admin, `run:${runId}@1`, { lastEventId });
    await waitFor(() => eventsOf(second.seen).length >= 5, { what: 'what was missed' });
    await second.close();
    const all = [...eventsOf(first.seen), ...eventsOf(second.seen)];
    expect(seqsOf(all)).toEqual(Array.from({ length: 710 }, (_, i) => i + 1));
    await finish(runId, epoch, 'done');
  });

  it('tell of changes that other processes make, and of the state at the start', async () => {
    const stream = await follow(admin, `sites,jobs:${siteId}`);
    await waitFor(() => stream.seen.some(({ event }) => event === 'site'), { what: 'the state' });
    const before = stream.seen.length;
    const job = await createJob(admin, { kind: 'scan', siteId });
    const has = (test: (event: StreamEvent) => boolean) => () => stream.seen.slice(before).some(test);
    await waitFor(
      has(({ event, data }) => event === 'job' && (data as { job: { id: string } }).job.id === job.id),
      { what: 'the job' },
    );
    await stream.close();
    expect(stream.seen[0]?.event).toBe('hello');
    expect(stream.seen.at(-1)).toMatchObject({ event: 'end', data: { reason: 'restarting' } });
  });

  it('refuse what their reader may not see, before they begin', async () => {
    const stranger = await web.createPerson([]);
    await expect(follow(stranger, `site:${siteId}`)).rejects.toMatchObject({ code: 'not-found' });
    await expect(follow(stranger, `jobs:${siteId}`)).rejects.toMatchObject({ code: 'not-found' });
    await expect(follow(stranger, 'run:r-none')).rejects.toMatchObject({ code: 'not-found' });
    const stream = await follow(stranger, 'sites,runs');
    await waitFor(() => stream.seen.length > 0, { what: 'hello' });
    await stream.close();
    expect(stream.seen.map(({ event }) => event)).toEqual(['hello', 'end']);
  });

  it('end when the session ends, and when the right goes (S21)', async () => {
    const signedOut = await follow(admin, 'sites', { reload: () => Promise.resolve(null), recheckMs: 50 });
    await signedOut.reading;
    expect(signedOut.seen.at(-1)).toMatchObject({ event: 'end', data: { reason: 'signed-out' } });
    const viewer = await web.createPerson([{ siteId: SiteId.parse(siteId), role: 'viewer' }]);
    let grants = viewer.actor.grants;
    const reload = () => Promise.resolve({ ...viewer, actor: { ...viewer.actor, grants } });
    const narrowed = await follow(viewer, `site:${siteId}`, { reload, recheckMs: 50 });
    await waitFor(() => narrowed.seen.length >= 3, { what: 'the state' });
    await setGrants(admin, { userId: viewer.actor.userId, grants: [] });
    grants = [];
    await narrowed.reading;
    expect(narrowed.seen.at(-1)).toMatchObject({ event: 'end', data: { reason: 'forbidden' } });
  });

  it.each(['', 'site:', 'site:A B', 'job:../x', 'users', 'run:r-1@x', Array(40).fill('sites').join(',')])(
    'refuse the topics %j',
    (topics) => expect(() => parseTopics(topics)).toThrow(/topics/),
  );
});
