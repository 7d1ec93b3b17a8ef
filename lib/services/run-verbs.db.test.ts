import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claimRun } from '@/lib/db/run-log';
import { claimSite } from '@/lib/db/site-lease';
import type { PlanKind } from '@/lib/plan/plan';
import { RUN_LIMITS } from '@/lib/run/limits';
import { RUN_STATES } from '@/lib/run/run-states';
import { createRunScene, type RunScene, type SceneStep } from '@/lib/testing/run-scene';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import { createWebFixture } from '@/lib/testing/web-fixture';
import type { ServiceContext } from './context';
import { cancelRun } from './runs/cancel-run';
import { getPlan } from './plans/get-plan';
import { createRun } from './runs/create-run';
import { exportRunLog } from './runs/export-run-log';
import { getRun } from './runs/get-run';
import { listRunEvents } from './runs/list-run-events';
import { listRuns } from './runs/list-runs';
import { resumeRun } from './runs/resume-run';
import { retryRun } from './runs/retry-run';
import { skipStep } from './runs/skip-step';
import { createSite } from './sites/create-site';
import { deleteSite } from './sites/delete-site';
import { getSite } from './sites/get-site';
import { getRevision } from './topology/get-revision';

/* Retry, retry of one host, resume, skip and cancel (DESIGN promise 5, reliability I10), and what happens when two come at once. */

const TWO_HOSTS: SceneStep[] = [{ nodeId: 'n-a' }, { nodeId: 'n-a' }, { nodeId: 'n-b' }, { nodeId: 'n-b' }];
const [A1, A2, B1, B2] = ['1', '2', '3', '4'].map((n) => n.padStart(16, '0')) as [
  string,
  string,
  string,
  string,
]; // four were given
const REASON = 'done by hand on the host';

let database: TestDatabase;
let admin: ServiceContext;
let siteId: string;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  const web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.web.pool.query('DELETE FROM rate_limit');
  await database.worker.pool.query(`UPDATE run SET state = 'cancelled' WHERE state IN ('queued', 'running')`);
  await database.worker.pool.query('UPDATE site SET applied_revision = NULL');
  count += 1;
  const topology = { pattern: 'custom', nodes: [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }] };
  siteId = (await createSite(admin, { name: `site ${count}`, topology })).siteId;
});

/** A run whose steps 1 and 3 ended as said, and which ended as `state`. */
async function endedRun(
  state: 'failed' | 'unreachable' | 'cancelled' | 'needs-attention' | 'done',
  steps: Parameters<RunScene['endSteps']>[1],
  options: { steps?: SceneStep[]; kind?: PlanKind } = {},
): Promise<{ runId: string; scene: RunScene }> {
  const scene = createRunScene(database, siteId, options.steps ?? TWO_HOSTS, options.kind);
  const { id: runId } = await createRun(admin, { planId: await scene.storePlan() });
  const claimed = await scene.claim();
  await scene.endSteps(claimed, steps);
  await scene.endRun(claimed, state);
  return { runId, scene };
}
async function stepStates(runId: string): Promise<string[]> {
  const rows = await database.worker.prisma.runStep.findMany({
    where: { runId },
    orderBy: { ordinal: 'asc' },
  });
  return rows.map(({ state }) => state);
}
async function typesOf(runId: string): Promise<string[]> {
  return (await listRunEvents(admin, { runId })).events.map(({ body }) => body.type);
}
const audits = (action: string, object: string) =>
  database.web.prisma.audit.count({ where: { action, object } });
const countOf = (settled: PromiseSettledResult<unknown>[], status: string) =>
  settled.filter((one) => one.status === status).length;

describe('retry', () => {
  it('starts what stopped the run again, on all hosts', async () => {
    const { runId, scene } = await endedRun('failed', { [A1]: 'done', [A2]: 'failed', [B1]: 'failed' });
    expect(await retryRun(admin, { runId })).toMatchObject({ state: 'queued', onlyNodeId: null });
    expect(await stepStates(runId)).toEqual(['done', 'waiting', 'waiting', 'waiting']);
    expect((await scene.claim()).run.onlyNodeId).toBeNull();
  });

  it('of one host leaves the others as they are, and the worker is told', async () => {
    const { runId, scene } = await endedRun('failed', { [A1]: 'failed', [B1]: 'failed' });
    expect(await retryRun(admin, { runId, nodeId: 'n-b' })).toMatchObject({ onlyNodeId: 'n-b' });
    expect(await stepStates(runId)).toEqual(['failed', 'waiting', 'waiting', 'waiting']);
    const { events } = await listRunEvents(admin, { runId });
    const by = admin.actor.email;
    const expected = { type: 'run.retry-requested', by, nodeId: 'n-b', stepIds: [B1, B2] };
    expect(events.at(-1)?.body).toEqual(expected);
    const claimed = await scene.claim();
    expect(claimed.run.onlyNodeId).toBe('n-b');
    await scene.endRun(claimed, 'failed');
    expect(await retryRun(admin, { runId })).toMatchObject({ onlyNodeId: null });
  });

  it('refuses a host that has nothing left to do, or that the plan does not touch', async () => {
    const { runId } = await endedRun('failed', { [A1]: 'done', [A2]: 'done', [B1]: 'failed' });
    await expect(retryRun(admin, { runId, nodeId: 'n-a' })).rejects.toThrow(/Nothing is left to do/);
    await expect(retryRun(admin, { runId, nodeId: 'n-x' })).rejects.toMatchObject({ code: 'invalid' });
    expect(await audits('run.retry', runId)).toBe(0);
  });
});

describe('resume', () => {
  it.each(['unreachable', 'cancelled'] as const)('goes on with a run that is %s', async (state) => {
    const { runId } = await endedRun(state, { [A1]: 'done' });
    expect(await resumeRun(admin, { runId })).toMatchObject({ state: 'queued', cancelRequested: false });
    expect((await typesOf(runId)).at(-1)).toBe('run.resume-requested');
    expect(await audits('run.resume', runId)).toBe(1);
  });

  it('is not for a step that failed, and says what is', async () => {
    const { runId } = await endedRun('failed', { [A1]: 'failed' });
    await expect(resumeRun(admin, { runId })).rejects.toThrow('retry it, or skip it with a reason');
  });
});

describe('skip', () => {
  it('lets the run go on, says why, and never counts its revision as applied', async () => {
    const { runId, scene } = await endedRun('failed', { [A1]: 'failed' });
    const run = await skipStep(admin, { runId, stepId: A1, reason: `  ${REASON} ` });
    expect(run).toMatchObject({ state: 'queued', stepsSkipped: 1, stepsDone: 1 });
    expect(await stepStates(runId)).toEqual(['skipped', 'waiting', 'waiting', 'waiting']);
    const { events } = await listRunEvents(admin, { runId });
    expect(events.at(-2)?.body).toEqual({
      type: 'step.skipped',
      stepId: A1,
      by: admin.actor.email,
      reason: REASON,
    });
    const claimed = await scene.claim();
    await scene.endSteps(claimed, { [A2]: 'done', [B1]: 'done', [B2]: 'done' });
    await scene.endRun(claimed, 'done');
    const site = await database.web.prisma.site.findUniqueOrThrow({ where: { id: siteId } });
    expect(site.appliedRevision).toBeNull();
    expect(await getRun(admin, { runId })).toMatchObject({ state: 'done', stepsSkipped: 1 });
    const audit = await database.web.prisma.audit.findFirstOrThrow({ where: { action: 'run.skip' } });
    expect(JSON.parse(audit.detail)).toMatchObject({ stepId: A1, reason: REASON });
  });

  it('waits for a word on every failed step before it goes on', async () => {
    const { runId } = await endedRun('failed', { [A1]: 'failed', [B1]: 'failed' });
    expect(await skipStep(admin, { runId, stepId: A1, reason: REASON })).toMatchObject({ state: 'failed' });
    expect(await skipStep(admin, { runId, stepId: B1, reason: REASON })).toMatchObject({ state: 'queued' });
  });

  it('refuses a reason that says nothing, a step that did not fail, and one that must not be left out', async () => {
    const steps = [{ nodeId: 'n-a', kind: 'service.start' }, { nodeId: 'n-a' }];
    const { runId } = await endedRun('needs-attention', { [A1]: 'failed' }, { steps });
    await expect(skipStep(admin, { runId, stepId: A1, reason: ' too few ' })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(skipStep(admin, { runId, stepId: A1, reason: 'x'.repeat(501) })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(skipStep(admin, { runId, stepId: A1, reason: REASON })).rejects.toThrow(
      /can’t be skipped: .*etcd/,
    );
    await expect(skipStep(admin, { runId, stepId: A2, reason: REASON })).rejects.toThrow(/did not fail/);
    await expect(skipStep(admin, { runId, stepId: B2, reason: REASON })).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(await audits('run.skip', runId)).toBe(0);
  });
});

describe('history', () => {
  it('of a deleted site stays readable: run, log, plan and revision', async () => {
    const { runId } = await endedRun('failed', { [A1]: 'failed' });
    const { name } = await getSite(admin, { siteId });
    await deleteSite(admin, { siteId, typedName: name });
    const run = await getRun(admin, { runId });
    expect((await listRunEvents(admin, { runId })).events.length).toBeGreaterThan(2);
    expect(await getPlan(admin, { planId: run.planId })).toMatchObject({
      runId,
      stale: 'The site of this plan was deleted.',
    });
    expect(await getRevision(admin, { siteId, revision: run.revision })).toMatchObject({ revision: 1 });
    await expect(getRevision(admin, { siteId, revision: 2 })).rejects.toMatchObject({ code: 'not-found' });
    await expect(retryRun(admin, { runId })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('says its limits, and is not taken up again once the log is gone', async () => {
    const { runId } = await endedRun('failed', { [A1]: 'failed' });
    expect(await listRuns(admin)).toMatchObject({ limits: RUN_LIMITS, cut: null });
    await database.worker.pool.query('UPDATE run SET log_dropped_at = now() WHERE id = $1', [runId]);
    await database.worker.pool.query(`INSERT INTO history_cut VALUES ('run', 7, '2026-01-02T03:04:05Z')`);
    expect((await getRun(admin, { runId })).logDroppedAt).not.toBeNull();
    expect((await listRuns(admin)).cut).toEqual({ runs: 7, newestAt: '2026-01-02T03:04:05.000Z' });
    for (const again of [
      () => retryRun(admin, { runId }),
      () => skipStep(admin, { runId, stepId: A1, reason: REASON }),
      () => retryRun(admin, { runId, nodeId: 'n-a' }),
    ])
      await expect(again()).rejects.toThrow(/no longer kept/);
    const pieces: string[] = [];
    for await (const piece of exportRunLog(admin, { runId })) pieces.push(piece);
    expect(pieces.join('')).toMatch(/^--- The log of this run is no longer kept since 20/);
  });

  it('takes no more waiting runs than there may be, and says when to try again', async () => {
    const scene = createRunScene(database, siteId, TWO_HOSTS);
    const planId = await scene.storePlan();
    const n = `generate_series(1, ${RUN_LIMITS.maxQueuedRuns}) AS n`;
    for (const sql of [
      `INSERT INTO site (id, name, created_by) SELECT 'full-' || n, 'full ' || n, 'x' FROM ${n}`,
      `INSERT INTO run (id, site_id, plan_id, steps, created_by) SELECT 'full-' || n, 'full-' || n, '${planId}', 0, 'x' FROM ${n}`,
    ])
      await database.worker.pool.query(sql);
    const refusal = {
      code: 'too-many',
      retryAfterS: 60,
      message: expect.stringMatching(/^2000 runs/) as string,
    };
    await expect(createRun(admin, { planId })).rejects.toMatchObject(refusal);
    await database.worker.pool.query(`DELETE FROM run WHERE id = 'full-1'`);
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
    await database.worker.pool.query(`DELETE FROM site WHERE id LIKE 'full-%'`);
  });
});

describe('two at once', () => {
  it('two tabs retry: one run, one event, one refusal', async () => {
    const { runId } = await endedRun('failed', { [A1]: 'failed' });
    const tabs = await Promise.allSettled(Array.from({ length: 4 }, () => retryRun(admin, { runId })));
    expect(countOf(tabs, 'fulfilled')).toBe(1);
    for (const tab of tabs)
      if (tab.status === 'rejected') expect(tab.reason).toMatchObject({ code: 'conflict' });
    expect((await typesOf(runId)).filter((type) => type === 'run.retry-requested')).toHaveLength(1);
    expect(await audits('run.retry', runId)).toBe(1);
  });

  it('skip against retry: whoever comes second is refused in words, and the step has one fate', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { runId } = await endedRun('failed', { [A1]: 'failed' });
      const [skip, retry] = await Promise.allSettled([
        skipStep(admin, { runId, stepId: A1, reason: REASON }),
        retryRun(admin, { runId }),
      ]);
      expect([skip.status, retry.status].sort()).toEqual(['fulfilled', 'rejected']);
      expect((await stepStates(runId))[0]).toBe(skip.status === 'fulfilled' ? 'skipped' : 'waiting');
      await cancelRun(admin, { runId });
      await database.worker.pool.query(`UPDATE run SET state = 'cancelled' WHERE id = $1`, [runId]);
    }
  });

  it('retry against claim: the run is claimed once, after it was queued', async () => {
    const { runId } = await endedRun('failed', { [A1]: 'failed' });
    let isQueued = false;
    const claimAny = async () => {
      for (;;) {
        const isLastTry = isQueued;
        const lease = await claimSite(database.worker.pool, 'racer', { ttlMs: 60_000, exclude: [] });
        const run = lease && (await claimRun(database.worker, lease, 'racer'));
        if (run || isLastTry) return run;
      }
    };
    const retry = retryRun(admin, { runId }).finally(() => {
      isQueued = true;
    });
    const [, ...claims] = await Promise.all([retry, claimAny(), claimAny(), claimAny()]);
    expect(claims.filter((run) => run?.runId === runId)).toHaveLength(1);
    expect((await typesOf(runId)).slice(-2)).toEqual(['run.retry-requested', 'run.claimed']);
  });

  it('cancel against completion: exactly one end, and a late cancel changes nothing (I10)', async () => {
    for (let round = 0; round < 10; round += 1) {
      const scene = createRunScene(database, siteId, TWO_HOSTS);
      const { id: runId } = await createRun(admin, { planId: await scene.storePlan() });
      const claimed = await scene.claim();
      await Promise.all([
        scene.endRun(claimed, 'failed'),
        cancelRun(admin, { runId }),
        cancelRun(admin, { runId }),
      ]);
      const types = await typesOf(runId);
      expect(types.filter((type) => type === 'run.finished')).toHaveLength(1);
      expect(types.filter((type) => type === 'run.cancel-requested').length).toBeLessThanOrEqual(1);
      const before = await getRun(admin, { runId });
      expect(RUN_STATES[before.state].isTerminal).toBe(true);
      expect(await cancelRun(admin, { runId })).toEqual(before);
      expect(await typesOf(runId)).toEqual(types);
    }
  });
});
