import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SiteId } from '@/lib/core/ids';
import { connectDatabase } from '@/lib/db/connect';
import { stopListening } from '@/lib/db/listen';
import { readRunEvents } from '@/lib/db/run-log';
import { createLogger } from '@/lib/log/logger';
import { buildPlan } from '@/lib/plan/build-plan';
import { createRun } from '@/lib/services/runs/create-run';
import { createSite } from '@/lib/services/sites/create-site';
import { insertPlan, insertPreflight } from '@/lib/testing/factories';
import { buildProgram, type BuiltProgram } from '@/lib/testing/build-program';
import { countStatements } from '@/lib/testing/count-statements';
import type { DyingWorkerInput } from './dying-worker';
import { RIG_INSTALLATION, RIG_POLICY } from '@/lib/testing/engine-rig';
import { makeFacts } from '@/lib/testing/make-facts';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { createWebFixture, type WebFixture } from '@/lib/testing/web-fixture';
import { readRevision } from '@/lib/worker/read-topology';
import { runSiteLoop } from '@/lib/worker/site-loop';

/* Every await of a worker between two statements: whatever the last one was, the next worker brings the run to its end. */

const LOOP = { ttlMs: 300, pollMs: 50 };
/** More than a worker sends from its start to the end of such a run; a trial that gets there found no end. */
const MOST_STATEMENTS = 120;

let database: TestDatabase;
let web: WebFixture;
let program: BuiltProgram;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  program = await buildProgram('lib/bench/soak/dying-worker.ts');
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await program.remove();
  await database.drop();
});

/** A queued run of a real plan for a host that has no approved key; a cancelled one never asks the host. */
async function fileRun(name: string, isCancelled: boolean): Promise<string> {
  const nodes = [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }];
  const admin = await web.createPerson([{ siteId: null, role: 'admin' }]); // one each: what a person may file is limited
  const site = await createSite(admin, { name, topology: { pattern: 'custom', nodes } });
  const siteId = SiteId.parse(site.siteId);
  const { topology, revision } = await readRevision(database.worker, siteId, 1);
  const facts = topology.nodes.map((node) => makeFacts(topology, node));
  const plan = buildPlan({ siteId, topology, revision, kind: 'apply', facts });
  const { pool } = database.worker;
  await insertPlan(pool, plan, facts);
  await insertPreflight(pool, siteId);
  const { id } = await createRun(admin, { planId: plan.id });
  if (isCancelled) await pool.query('UPDATE run SET cancel_requested = true WHERE id = $1', [id]);
  return id;
}

async function isEnded(runId: string): Promise<boolean> {
  const { rows } = await database.worker.pool.query<{ finished: boolean }>(
    'SELECT finished_at IS NOT NULL AS finished FROM run WHERE id = $1',
    [runId],
  );
  return rows[0]?.finished ?? false;
}

/** Starts a worker that dies at its n-th statement; resolves to whether it did, false when the run ended before. */
async function workUntilDeath(runId: string, dieAt: number): Promise<boolean> {
  const input: DyingWorkerInput = {
    databaseUrl: database.urlFor('siteplan_worker'),
    sealKey: web.sealKey.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    dieAt,
    ...LOOP,
  };
  const child = spawn(process.execPath, [program.path], { stdio: ['pipe', 'ignore', 'ignore'] });
  children.add(child);
  child.stdin.end(JSON.stringify(input));
  const isOver = async () => child.exitCode !== null || child.signalCode !== null || (await isEnded(runId));
  await waitFor(isOver, { what: `death at statement ${dieAt}, or the end`, timeoutMs: 60_000, everyMs: 10 });
  const hasDied = child.signalCode === 'SIGKILL';
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  children.delete(child);
  return hasDied;
}

/** Works in this process, as the next worker, until the run has ended. */
async function workUntilEnd(runId: string): Promise<void> {
  const isFree = async () => {
    const { rowCount } = await database.worker.pool.query(
      'SELECT 1 FROM site_lease WHERE lease_until > now()',
    );
    return rowCount === 0;
  };
  await waitFor(isFree, { what: 'the lease to run out', timeoutMs: 60_000, everyMs: 10 });
  const stop = new AbortController();
  const db = connectDatabase(database.urlFor('siteplan_worker'), 'siteplan_worker', { maxConnections: 5 });
  const loop = runSiteLoop(
    {
      db,
      sealKey: web.sealKey,
      policy: RIG_POLICY,
      log: createLogger('test', new PassThrough().resume()),
      holder: 'next',
      installationId: RIG_INSTALLATION,
      signal: stop.signal,
    },
    LOOP,
  );
  await waitFor(() => isEnded(runId), { what: 'the end of the run', timeoutMs: 60_000, everyMs: 10 });
  stop.abort();
  await loop;
  await stopListening(db);
  await db.close();
}

async function expectOneEnd(runId: string, state: string): Promise<void> {
  const events = await readRunEvents(database.worker, runId, 0, 1_000);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const ends = events.filter(({ body }) => body.type === 'run.finished');
  expect(ends.map(({ body }) => body)).toMatchObject([{ state }]);
  expect(events.at(-1)?.body.type).toBe('run.finished');
}

/** The two begin alike, so that each takes every second statement for its deaths. */
const CASES = [
  { what: 'whose host has no approved key', isCancelled: false, state: 'needs-attention', first: 1 },
  { what: 'that is cancelled', isCancelled: true, state: 'cancelled', first: 2 },
] as const;

it.for(CASES)('a run $what ends once, whichever statement its worker dies at', async (row, { task }) => {
  let hasDied = true;
  let dieAt = row.first;
  for (; hasDied && dieAt < MOST_STATEMENTS; dieAt += 2) {
    const runId = await fileRun(`${task.id}-${dieAt}`, row.isCancelled);
    hasDied = await workUntilDeath(runId, dieAt);
    await workUntilEnd(runId);
    await expectOneEnd(runId, row.state);
  }
  expect(dieAt).toBeGreaterThan(10);
  expect(dieAt).toBeLessThan(MOST_STATEMENTS);
});

it.for(CASES)('a run $what ends once, whichever statement of its worker fails', async (row, { task }) => {
  let isReached = true;
  let failAt = 0;
  while (isReached && failAt < MOST_STATEMENTS) {
    failAt += 1;
    const runId = await fileRun(`${task.id}-${failAt}`, row.isCancelled);
    isReached = false;
    const stop = countStatements((count) => {
      if (count !== failAt) return null;
      isReached = true;
      return Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
    });
    await workUntilEnd(runId).finally(stop);
    await expectOneEnd(runId, row.state);
  }
  expect(failAt).toBeGreaterThan(10);
  expect(failAt).toBeLessThan(MOST_STATEMENTS);
});
