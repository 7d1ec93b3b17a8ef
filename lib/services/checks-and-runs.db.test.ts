import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectDatabase, type Database } from '@/lib/db/connect';
import type { CheckCell, PreflightResult } from '@/lib/run/job-view';
import { insertPreflight } from '@/lib/testing/factories';
import { createRunScene, type RunScene } from '@/lib/testing/run-scene';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { createWebFixture } from '@/lib/testing/web-fixture';
import type { ServiceContext } from './context';
import { createJob } from './jobs/create-job';
import { getChecks } from './preflight/get-checks';
import { overrideCheck } from './preflight/override-check';
import { cancelRun } from './runs/cancel-run';
import { createRun } from './runs/create-run';
import { resumeRun } from './runs/resume-run';
import { retryRun } from './runs/retry-run';
import { createSite } from './sites/create-site';

/* Checks and runs of one site keep apart, and what a run rests on is neither old nor forgotten. */

const STEP = '1'.padStart(16, '0');
let database: TestDatabase;
/** Wide enough that who waits for a lock keeps nobody from a connection. */
let wide: Database;
let admin: ServiceContext;
/** The tables' owner, for what time and other people do. */
let owner: Client;
let siteId: string;
let nodeId: string;
let scene: RunScene;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  wide = connectDatabase(database.urlFor('siteplan_web'), 'siteplan_web', { maxConnections: 20 });
  admin = await createWebFixture({ web: wide }).createPerson([{ siteId: null, role: 'admin' }]);
  owner = new Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await wide.close();
  await database.drop();
});
beforeEach(async () => {
  await owner.query('DELETE FROM rate_limit');
  await owner.query(`UPDATE run SET state = 'cancelled' WHERE state IN ('queued', 'running')`);
  count += 1;
  const topology = { pattern: 'custom', nodes: [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }] };
  const site = await createSite(admin, { name: `site ${count}`, topology });
  siteId = site.siteId;
  nodeId = site.topology.nodes[0]?.id ?? '';
  scene = createRunScene(database, siteId, [{ nodeId }]);
});

const words = {
  title: 'Memory',
  threshold: '4 GiB',
  why: '',
  fix: '',
  source: '',
  takenAt: '',
  valueHash: '',
};
const red = (value: string, checkId = 'memory'): CheckCell => ({
  ...{ nodeId, checkId, status: 'fail', value, group: 'machine', isUnknown: false },
  ...words,
});
const check = (options: Partial<PreflightResult> = {}) => insertPreflight(owner, siteId, options);
const override = (value: string) =>
  overrideCheck(admin, { siteId, nodeId, checkId: 'memory', value, reason: 'the lab has small hosts' });
const askForChecks = () => createJob(admin, { kind: 'preflight', siteId });
const endJob = (id: string, state: string) =>
  owner.query('UPDATE job SET state = $2, finished_at = clock_timestamp() WHERE id = $1', [id, state]);

describe('checks and a run of one site', () => {
  it('are never under way together, whichever is asked for second', async () => {
    const planId = await scene.storePlan();
    const job = await askForChecks();
    const refusal = { code: 'conflict', message: expect.stringMatching(/under way.*Wait/) as string };
    await expect(createRun(admin, { planId })).rejects.toMatchObject(refusal);
    await owner.query(`UPDATE job SET state = 'running' WHERE id = $1`, [job.id]);
    await expect(createRun(admin, { planId })).rejects.toMatchObject(refusal);
    await endJob(job.id, 'failed');
    const { id: runId } = await createRun(admin, { planId });
    const busy = { code: 'conflict', message: expect.stringMatching(/Wait for its end or cancel/) as string };
    await expect(askForChecks()).rejects.toMatchObject(busy);
    await owner.query(`UPDATE run SET state = 'running' WHERE id = $1`, [runId]);
    await expect(askForChecks()).rejects.toMatchObject(busy);
    await owner.query(`UPDATE run SET state = 'failed' WHERE id = $1`, [runId]);
    expect(await askForChecks()).toMatchObject({ state: 'queued' });
  });

  it('do not start again beside each other either', async () => {
    const { id: runId } = await createRun(admin, { planId: await scene.storePlan() });
    const claimed = await scene.claim();
    await scene.endSteps(claimed, { [STEP]: 'failed' });
    await scene.endRun(claimed, 'failed');
    const job = await askForChecks();
    await expect(retryRun(admin, { runId })).rejects.toThrow(/under way/);
    await endJob(job.id, 'failed');
    expect(await retryRun(admin, { runId })).toMatchObject({ state: 'queued' });
  });

  it('are told apart when both are asked for in the same moment', async () => {
    const planId = await scene.storePlan();
    await owner.query('BEGIN');
    await owner.query('SELECT 1 FROM site WHERE id = $1 FOR UPDATE', [siteId]);
    const both = Promise.allSettled([createRun(admin, { planId }), askForChecks()]);
    try {
      await waitFor(
        async () => {
          const { rows } = await owner.query(
            `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          );
          return rows.length === 2;
        },
        { what: 'both to wait for the site' },
      );
    } finally {
      await owner.query('ROLLBACK');
    }
    expect((await both).map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a run that begins only when it is queued again', () => {
  it('needs checks as a new one does, with overrides of its own', async () => {
    const { id: runId } = await createRun(admin, { planId: await scene.storePlan() });
    await cancelRun(admin, { runId });
    const claimed = await scene.claim();
    await scene.endRun(claimed, 'cancelled');
    await expect(resumeRun(admin, { runId })).rejects.toMatchObject({ code: 'precondition-failed' });
    await check({ cells: [red('1 GiB')] });
    await expect(resumeRun(admin, { runId })).rejects.toMatchObject({
      fields: { 's1 / memory': 'Memory: 1 GiB; wanted: 4 GiB' },
    });
    const { id } = await override('1 GiB');
    expect(await resumeRun(admin, { runId })).toMatchObject({ state: 'queued' });
    expect((await getChecks(admin, { siteId })).overrides).toMatchObject([{ id, state: 'used', runId }]);
  });

  it('needs none to uninstall, nor once a step was begun', async () => {
    const leaving = createRunScene(database, siteId, [{ nodeId }], 'uninstall');
    const { id } = await createRun(admin, { planId: await leaving.storePlan() });
    await cancelRun(admin, { runId: id });
    await leaving.endRun(await leaving.claim(), 'cancelled');
    expect(await resumeRun(admin, { runId: id })).toMatchObject({ state: 'queued' });
    const claimed = await leaving.claim();
    await leaving.endRun(claimed, 'cancelled');

    const { id: runId } = await createRun(admin, { planId: await scene.storePlan() });
    const begun = await scene.claim();
    await scene.endSteps(begun, { [STEP]: 'failed' });
    await scene.endRun(begun, 'failed');
    await owner.query('DELETE FROM job WHERE site_id = $1', [siteId]);
    expect(await retryRun(admin, { runId })).toMatchObject({ state: 'queued' });
  });
});

describe('what the gate looks at', () => {
  it('is every override that may let pass, however many were used since', async () => {
    const planId = await scene.storePlan();
    await check({ cells: [red('1 GiB')] });
    const { id } = await override('1 GiB');
    await owner.query(
      `INSERT INTO check_override (id, site_id, node_id, check_id, title, value, reason, created_by, created_at, revoked_at)
       SELECT 'o-' || $1 || '-' || n, $1, 'n-x', 'swap', 't', 'v', 'r', 'ann', clock_timestamp(), clock_timestamp()
         FROM generate_series(1, 250) AS n`,
      [siteId],
    );
    expect((await getChecks(admin, { siteId })).blockers).toEqual([]);
    await expect(override('1 GiB')).rejects.toThrow(/overridden already/);
    await createRun(admin, { planId });
    const { rows } = await owner.query(
      'SELECT id FROM check_override WHERE run_id IS NOT NULL AND site_id = $1',
      [siteId],
    );
    expect(rows).toEqual([{ id }]);
  });

  it('is no override that is older than checks may be', async () => {
    const planId = await scene.storePlan();
    await check({ cells: [red('1 GiB')] });
    await override('1 GiB');
    const age = (hours: number) =>
      owner.query(
        `UPDATE check_override SET created_at = clock_timestamp() - $2 * interval '1 hour' WHERE site_id = $1`,
        [siteId, hours],
      );
    await owner.query(`UPDATE job SET finished_at = finished_at - interval '2 days' WHERE site_id = $1`, [
      siteId,
    ]);
    await age(25);
    expect((await getChecks(admin, { siteId })).overrides).toMatchObject([{ state: 'lapsed' }]);
    await expect(createRun(admin, { planId })).rejects.toMatchObject({ code: 'precondition-failed' });
    await age(23);
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
  });

  it('is all that was found, or it says that it is too much', async () => {
    const planId = await scene.storePlan();
    await check();
    const scope = { nodeIds: [nodeId], checkIds: ['memory'] };
    const part = await check({ scope, cells: [red('1 GiB')] });
    await owner.query(
      `INSERT INTO job (id, site_id, kind, params, state, result, created_by, created_at, finished_at)
       SELECT id || '-' || n, site_id, kind, params || '{"checkIds": ["swap"]}', state,
              result || '{"cells": [], "scope": {"nodeIds": ["x"], "checkIds": ["swap"]}}', created_by,
              clock_timestamp(), clock_timestamp() FROM job, generate_series(1, 499) AS n WHERE id = $1`,
      [part],
    );
    expect(await getChecks(admin, { siteId })).toMatchObject({
      stale: null,
      blockers: [{ checkId: 'memory' }],
    });
    await check({ scope: { nodeIds: [nodeId], checkIds: ['swap'] } });
    expect((await getChecks(admin, { siteId })).refusal).toMatch(/Run all checks again/);
    await expect(createRun(admin, { planId })).rejects.toThrow(/Run all checks again/);
    await check();
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
  });
});
