import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectDatabase, type Database } from '@/lib/db/connect';
import { claimRun } from '@/lib/db/run-log';
import { claimSite } from '@/lib/db/site-lease';
import type { RunState } from '@/lib/run/run-event';
import { createRunScene, type RunScene } from '@/lib/testing/run-scene';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { createWebFixture } from '@/lib/testing/web-fixture';
import type { ServiceContext } from './context';
import { cancelRun } from './runs/cancel-run';
import { createRun } from './runs/create-run';
import { getRun } from './runs/get-run';
import { listRunEvents } from './runs/list-run-events';
import { resumeRun } from './runs/resume-run';
import { retryRun } from './runs/retry-run';
import { skipStep } from './runs/skip-step';
import { createSite } from './sites/create-site';

/* Locks of runs: one order for all, and what happens to those whom PostgreSQL ends in favour of others. */

const STEP = '1'.padStart(16, '0');
const REASON = 'done by hand on the host';

let database: TestDatabase;
let admin: ServiceContext;
/** Wide enough that who waits for a lock keeps nobody from a connection. */
let wide: Database;
let siteId: string;
let scene: RunScene;
/** Somebody else's transaction. */
let other: Client;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  other = new Client({ connectionString: database.ownerUrl });
  await other.connect();
  await chooseVictims();
  wide = connectDatabase(database.urlFor('siteplan_web'), 'siteplan_web', { maxConnections: 20 });
  admin = await createWebFixture({ web: wide }).createPerson([{ siteId: null, role: 'admin' }]);
});
afterAll(async () => {
  await other.end();
  await wide.close();
  await database.drop();
});
beforeEach(async () => {
  await database.web.pool.query('DELETE FROM rate_limit');
  await database.worker.pool.query(`UPDATE run SET state = 'cancelled' WHERE state IN ('queued', 'running')`);
  count += 1;
  const topology = { pattern: 'custom', nodes: [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }] };
  siteId = (await createSite(admin, { name: `site ${count}`, topology })).siteId;
  scene = createRunScene(database, siteId, [{ nodeId: 'n-a' }, { nodeId: 'n-b' }]);
});

/**
 * A session looks for a deadlock once, `deadlock_timeout` after it began to wait, and ends itself when it finds one. Ours
 * never looks; the others look late enough that there is one by then, however busy the machine is.
 */
async function chooseVictims(): Promise<void> {
  await other.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = %L', current_database(), '5s'); END $$`,
  );
  await other.query(`SET deadlock_timeout = '10min'`);
}

async function queuedRun(): Promise<string> {
  return (await createRun(admin, { planId: await scene.storePlan() })).id;
}
async function endedRun(state: RunState): Promise<string> {
  const runId = await queuedRun();
  const claimed = await scene.claim();
  await scene.endSteps(claimed, { [STEP]: 'failed' });
  await scene.endRun(claimed, state);
  return runId;
}
const lock = (table: 'site' | 'run' | 'site_lease', id: string, more = '') =>
  other.query(
    `SELECT 1 FROM ${table} WHERE ${table === 'site_lease' ? 'site_id' : 'id'} = $1 FOR UPDATE ${more}`,
    [id],
  );
/** Until a session of this role waits for a lock in this database. */
const waitForWaiter = (role: 'siteplan_web' | 'siteplan_worker') =>
  waitFor(
    async () =>
      (
        await other.query(
          `SELECT 1 FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'`,
          [role],
        )
      ).rowCount,
    { what: `${role} to wait for a lock` },
  );
const typesOf = async (runId: string) =>
  (await listRunEvents(admin, { runId })).events.map(({ body }) => body.type);

describe('whoever waits for the site does not hold the run', () => {
  it('a cancel', async () => {
    const runId = await queuedRun();
    await other.query('BEGIN');
    await lock('site', siteId);
    const cancel = cancelRun(admin, { runId });
    try {
      await waitForWaiter('siteplan_web');
      expect((await lock('run', runId, 'NOWAIT')).rowCount).toBe(1);
    } finally {
      await other.query('ROLLBACK');
    }
    expect(await cancel).toMatchObject({ cancelRequested: true });
  });

  it('a worker that writes the end of a run that is done', async () => {
    const runId = await queuedRun();
    const claimed = await scene.claim();
    await other.query('BEGIN');
    await lock('site', siteId);
    const end = scene.endRun(claimed, 'done');
    try {
      await waitForWaiter('siteplan_worker');
      expect((await lock('run', runId, 'NOWAIT')).rowCount).toBe(1);
    } finally {
      await other.query('ROLLBACK');
    }
    await end;
    expect(await getRun(admin, { runId })).toMatchObject({ state: 'done' });
  });
});

describe('who is ended in favour of another begins again', () => {
  it('a verb of a person: done once, with one audit row', async () => {
    const runId = await endedRun('failed');
    await other.query('BEGIN');
    await lock('run', runId);
    const retry = retryRun(admin, { runId });
    try {
      await waitForWaiter('siteplan_web');
      await lock('site', siteId); // a deadlock, which the verb finds
    } finally {
      await other.query('ROLLBACK');
    }
    expect(await retry).toMatchObject({ state: 'queued' });
    expect((await typesOf(runId)).filter((type) => type === 'run.retry-requested')).toHaveLength(1);
    const where = { action: 'run.retry', object: runId };
    expect(await database.web.prisma.audit.count({ where })).toBe(1);
  });

  it('a worker that claims a run: claimed once', async () => {
    const runId = await queuedRun();
    const lease = await claimSite(database.worker.pool, 'w', { ttlMs: 60_000, exclude: [] });
    if (lease?.siteId !== siteId) throw new Error('another site was claimed');
    await other.query('BEGIN');
    await lock('run', runId);
    const claim = claimRun(database.worker, lease, 'w');
    try {
      await waitForWaiter('siteplan_worker');
      await lock('site_lease', siteId);
    } finally {
      await other.query('ROLLBACK');
    }
    expect(await claim).toMatchObject({ runId });
    expect((await typesOf(runId)).filter((type) => type === 'run.claimed')).toHaveLength(1);
  });
});

it('sixteen mixed verbs at once on one run: each is done or refused in words', async () => {
  for (let round = 0; round < 10; round += 1) {
    const runId = await endedRun('unreachable');
    const verbs = [
      () => cancelRun(admin, { runId }),
      () => retryRun(admin, { runId }),
      () => resumeRun(admin, { runId }),
      () => skipStep(admin, { runId, stepId: STEP, reason: REASON }),
    ];
    const four = Array.from({ length: 4 }, () => verbs).flat();
    const settled = await Promise.allSettled(four.map((verb) => verb()));
    for (const one of settled)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ name: 'AppError', code: 'conflict' });
    const again = (await typesOf(runId)).filter((type) => /^run\.(retry|resume)-requested$/.test(type));
    expect(again).toHaveLength(1);
    await database.worker.pool.query(`UPDATE run SET state = 'cancelled' WHERE id = $1`, [runId]);
  }
});
