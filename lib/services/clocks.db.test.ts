import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { claimJob, renewJob, updateJob } from '@/lib/db/jobs';
import { claimSite, renewLease } from '@/lib/db/site-lease';
import { createRunScene } from '@/lib/testing/run-scene';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { withClock } from '@/lib/testing/with-clock';
import type { ServiceContext } from './context';
import { approveHostKey } from './host-keys/approve-host-key';
import { importKnownHosts } from './host-keys/import-known-hosts';
import { revokeHostKey } from './host-keys/revoke-host-key';
import { createJob } from './jobs/create-job';
import { cancelRun } from './runs/cancel-run';
import { createRun } from './runs/create-run';
import { listRuns } from './runs/list-runs';
import { retryRun } from './runs/retry-run';
import { skipStep } from './runs/skip-step';
import { createSite } from './sites/create-site';

/* Reliability I12: what is stored of runs goes by the database's clock, however wrong those of web and workers are. */

const HOUR_MS = 3_600_000;
const CLOCKS = [
  { web: HOUR_MS, worker: -HOUR_MS },
  { web: -HOUR_MS, worker: HOUR_MS },
];

let database: TestDatabase;
let admin: ServiceContext;
beforeAll(async () => {
  database = await createTestDatabase();
  admin = await createWebFixture(database).createPerson([{ siteId: null, role: 'admin' }]);
});
afterAll(() => database.drop());

/** Columns of the tables of runs and jobs whose newest or oldest value is more than five minutes off the database's now. */
async function listStrangeTimes(): Promise<string[]> {
  const { pool } = database.worker;
  const tables = [
    'site',
    'topology_revision',
    'job',
    'plan',
    'run',
    'run_step',
    'run_event',
    'change',
    'audit',
    'host_key',
  ];
  const { rows: columns } = await pool.query<{ table: string; column: string }>(
    `SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns
      WHERE table_schema = 'public' AND data_type = 'timestamp with time zone' AND table_name = ANY($1)`,
    [tables],
  );
  expect(columns.length).toBeGreaterThan(12);
  const strange = await Promise.all(
    columns.map(async ({ table, column }) => {
      const { rows } = await pool.query<{ offS: number }>(
        `SELECT COALESCE(max(abs(extract(epoch FROM "${column}" - now()))), 0)::float AS "offS" FROM "${table}"`,
      );
      return (rows[0]?.offS ?? 0) > 300 ? [`${table}.${column}`] : [];
    }),
  );
  return strange.flat();
}

/** A whole life: filed, claimed, failed, skipped, retried, cancelled, ended; and a job beside it. */
async function liveThrough(siteId: string, clock: (typeof CLOCKS)[number]): Promise<string> {
  const asWeb = <T>(work: () => Promise<T>) => withClock(clock.web, work);
  const asWorker = <T>(work: () => Promise<T>) => withClock(clock.worker, work);
  const scene = createRunScene(database, siteId, [{ nodeId: 'n-a' }, { nodeId: 'n-b' }]);
  const [first = '', second = ''] = scene.stepIds;
  const planId = await asWorker(() => scene.storePlan());
  const { id: runId } = await asWeb(() => createRun(admin, { planId }));
  await asWorker(async () => {
    const claimed = await scene.claim();
    await scene.endSteps(claimed, { [first]: 'failed' });
    await scene.endRun(claimed, 'failed');
  });
  await asWeb(() => skipStep(admin, { runId, stepId: first, reason: 'the clock is wrong' }));
  await asWorker(async () => {
    const claimed = await scene.claim();
    await scene.endSteps(claimed, { [second]: 'failed' });
    await scene.endRun(claimed, 'failed');
  });
  await asWeb(() => retryRun(admin, { runId }));
  await asWeb(() => cancelRun(admin, { runId }));
  await asWorker(async () => {
    const claimed = await scene.claim();
    await scene.endRun(claimed, 'cancelled');
  });
  await asWeb(() => createJob(admin, { kind: 'scan', siteId }));
  await asWorker(async () => {
    const job = await claimJob(database.worker.pool, 'w', 60_000);
    if (!job) throw new Error('no job to claim');
    expect(await renewJob(database.worker.pool, job, 60_000)).toBe(true);
    await updateJob(database.worker.pool, job, { state: 'done', result: null });
  });
  return runId;
}

it('stores the database’s time and keeps the order of filing when clocks are an hour off', async () => {
  const runs: string[] = [];
  for (const [index, clock] of CLOCKS.entries()) {
    const nodes = [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }];
    const input = { name: `site ${index}`, topology: { pattern: 'custom', nodes } };
    const { siteId } = await withClock(clock.web, () => createSite(admin, input));
    runs.unshift(await liveThrough(siteId, clock));
  }
  expect(await listStrangeTimes()).toEqual([]);
  expect((await listRuns(admin)).runs.map(({ id }) => id)).toEqual(runs);
});

/** A line of known_hosts for every host, with a key that nobody has. */
function makeLine(algorithm = 'ssh-ed25519'): string {
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from(algorithm), randomBytes(36)]);
  return `* ${algorithm} ${blob.toString('base64')}`;
}

it.each([HOUR_MS, -HOUR_MS])(
  'trusts a revoked host key only when seen since, by a clock %i ms off',
  async (shiftMs) => {
    const nodes = [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }];
    const input = { name: `keys ${shiftMs}`, topology: { pattern: 'custom', nodes } };
    const { siteId } = await createSite(admin, input);
    const asWeb = <T>(work: () => Promise<T>) => withClock(shiftMs, work);
    const text = `${makeLine()}\n@revoked ${makeLine()}`;
    const { matched } = await asWeb(() => importKnownHosts(admin, { siteId, text }));
    const [{ nodeId, fingerprint } = { nodeId: '', fingerprint: '' }] = matched;
    const key = { siteId, nodeId, fingerprint };
    await asWeb(() => revokeHostKey(admin, key));
    await expect(asWeb(() => approveHostKey(admin, key))).rejects.toMatchObject({ code: 'conflict' });
    // What a scan does.
    await database.worker.pool.query('UPDATE host_key SET seen_at = now() WHERE fingerprint = $1', [
      fingerprint,
    ]);
    expect(await asWeb(() => approveHostKey(admin, key))).toMatchObject({ revokedAt: null });
    await asWeb(() => importKnownHosts(admin, { siteId, text: makeLine() })); // revokes the other one
    expect(await listStrangeTimes()).toEqual([]);
  },
);

it.each([HOUR_MS, -HOUR_MS])('gives and keeps leases all the same by a clock %i ms off', async (shiftMs) => {
  const { pool } = database.worker;
  const { siteId } = await createSite(admin, { name: `leased ${shiftMs}` });
  await pool.query('UPDATE site SET applied_revision = 1 WHERE id = $1', [siteId]);
  const lease = await claimSite(pool, 'w1', { ttlMs: 60_000, exclude: [] });
  if (!lease) throw new Error('nothing was claimed');
  await withClock(shiftMs, async () => {
    expect(await claimSite(pool, 'w2', { ttlMs: 60_000, exclude: [] })).toBeNull();
    expect(await renewLease(pool, lease, -1)).toBe(true); // has run out, by the database's clock
    const next = await claimSite(pool, 'w2', { ttlMs: 60_000, exclude: [] });
    expect(next).toMatchObject({ siteId });
    expect(next?.epoch).toBeGreaterThan(lease.epoch);
  });
  await pool.query('UPDATE site SET applied_revision = NULL');
});

it('has no code that could store the time of a process in the tables of runs', () => {
  const folders = ['lib/db', 'lib/provision', 'lib/worker', 'lib/worker/jobs'];
  const services = ['runs', 'jobs', 'plans', 'nodes', 'host-keys'].map((name) => `lib/services/${name}`);
  const offending = [...folders, ...services]
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.ts') && !path.includes('.test.'))
    .filter((path) => /new Date\(\)|Date\.now\(\)/.test(readFileSync(path, 'utf8')));
  // The engine's clock measures outages and never reaches a table.
  expect(offending.filter((path) => path !== 'lib/provision/clock.ts')).toEqual([]);
});
