import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { SiteId } from '@/lib/core/ids';
import { claimRun } from '@/lib/db/run-log';
import { claimSite, renewLease } from '@/lib/db/site-lease';
import { prepareRunner } from '@/lib/provision/host-runner';
import { connectHost } from '@/lib/ssh/connect-host';
import { insertPlan, insertPreflight } from '@/lib/testing/factories';
import { adoptRun, RIG_INSTALLATION, RIG_POLICY } from '@/lib/testing/engine-rig';
import { startFakeHost } from '@/lib/testing/fake-host';
import { toTestPlan } from '@/lib/testing/ledger-step';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { createWebFixture, type WebFixture } from '@/lib/testing/web-fixture';
import type { ServiceContext } from './context';
import { setFence } from './nodes/set-fence';
import { createRun } from './runs/create-run';
import { retryRun } from './runs/retry-run';
import { createSite } from './sites/create-site';

/* A database that was restored from a backup against hosts that went on without it (contract 1). */

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
});
afterAll(() => database.drop());

const HOST_EPOCH = 1_000_000_000n;

/** A site whose one host carries this fence, and its run as the real engine leaves it. */
async function refusedRun({ onTestFinished, task }: TestContext, installationId = RIG_INSTALLATION) {
  const host = await startFakeHost('s1');
  onTestFinished(() => host.stop());
  const connection = await connectHost(host.target, { policy: RIG_POLICY });
  const ahead = { installationId, epoch: HOST_EPOCH, root: host.root };
  await prepareRunner(connection, connection.openShell(), ahead);
  connection.close();

  const nodes = [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }];
  const site = await createSite(admin, { name: task.id, topology: { pattern: 'custom', nodes } });
  const siteId = SiteId.parse(site.siteId);
  const plan = { ...toTestPlan(siteId, [{ nodeId: 'n-0', params: { name: 'a' } }]), id: `p-${siteId}` };
  await insertPlan(database.worker.pool, plan);
  await insertPreflight(database.worker.pool, siteId);
  const { id: runId } = await createRun(admin, { planId: plan.id });
  const hosts = [{ nodeId: 'n-0', target: host.target, root: host.root }];
  const rig = adoptRun(database.worker, { siteId, runId, plan, hosts });
  expect(await rig.execute()).toBe('needs-attention');
  const fence = async () => readFile(join(host.root, 'var/lib/siteplan-host/fence'), 'utf8');
  return { siteId, runId, rig, fence };
}

it('raises the epochs above the host, which is not touched, and the retry goes through', async (t) => {
  const { siteId, runId, rig, fence } = await refusedRun(t);
  const failed = (await rig.events()).findLast(({ type }) => type === 'step.failed');
  expect(failed).toMatchObject({ failure: { code: 'stale-epoch', hostEpoch: `${HOST_EPOCH}` } });
  const lease = { siteId, epoch: await rig.claim() };
  const before = await fence();

  const input = { siteId, nodeId: 'n-0', epoch: `${HOST_EPOCH}` };
  const operator = await web.createPerson([{ siteId: null, role: 'operator' }]);
  await expect(setFence(operator, input)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(setFence(admin, { ...input, epoch: '5' })).rejects.toThrow(/at epoch 1000000000, not 5/);
  await expect(setFence(admin, { ...input, nodeId: 'n-1' })).rejects.toThrow(/Nothing was changed/);
  await expect(setFence(admin, { ...input, epoch: '9'.repeat(16) })).rejects.toMatchObject({
    code: 'invalid',
  });
  expect(BigInt((await setFence(admin, input)).epoch)).toBeGreaterThanOrEqual(HOST_EPOCH);

  expect(await fence()).toBe(before);
  // Whoever held the site under a low epoch is out.
  expect(await renewLease(database.worker.pool, lease, 1_000)).toBe(false);
  await retryRun(admin, { runId });
  const next = await claimSite(database.worker.pool, 'next', { ttlMs: 60_000, exclude: [] });
  expect(next?.siteId).toBe(siteId);
  expect(next?.epoch).toBeGreaterThan(HOST_EPOCH);
  if (!next) throw new Error('nothing was claimed');
  await claimRun(database.worker, next, 'next');
  expect(await rig.execute({ epoch: next.epoch })).toBe('done');
  expect(await rig.ledgerOf('n-0')).toEqual(['a']);
  expect(await database.web.prisma.audit.count({ where: { action: 'fence.set', object: 'n-0' } })).toBe(1);
  await expect(setFence(admin, input)).rejects.toThrow(/Nothing was changed/);
});

it('is not for a host of another installation, and says how to release one', async (t) => {
  const { siteId } = await refusedRun(t, 'another-installation');
  const input = { siteId, nodeId: 'n-0', epoch: `${HOST_EPOCH}` };
  await expect(setFence(admin, input)).rejects.toThrow(/sudo rm \/var\/lib\/siteplan-host\/fence/);
});

it('waits for a claim that is under way, and the claim not for it', async () => {
  const nodes = [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }];
  const { siteId } = await createSite(admin, { name: 'claimed', topology: { pattern: 'custom', nodes } });
  const [claimer, raiser] = [await database.worker.pool.connect(), await database.web.pool.connect()];
  try {
    const { rows } = await raiser.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    // A claim in two halves: its lease, then the epoch.
    await claimer.query('BEGIN');
    await claimer.query('UPDATE site_lease SET holder = $1 WHERE site_id = $2', ['half', siteId]);
    const raised = raiser.query('SELECT raise_epoch($1, $2)', ['1', siteId]);
    raised.catch(() => undefined); // looked at below
    const isWaiting = async () => {
      const found = await claimer.query('SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted', [
        rows[0]?.pid,
      ]);
      return found.rowCount === 1;
    };
    await waitFor(isWaiting, { what: 'the other one to wait' });
    await claimer.query(`SELECT nextval('epoch_seq')`);
    await claimer.query('COMMIT');
    await raised;
  } finally {
    await claimer.query('ROLLBACK');
    for (const client of [claimer, raiser]) client.release();
  }
});

it('never sets the sequence back, whoever takes epochs meanwhile', async () => {
  const { web: asWeb, worker } = database;
  const taken = new Set<string>();
  const take = async () => {
    for (let i = 0; i < 100; i += 1) {
      const { rows } = await worker.pool.query<{ epoch: string }>(
        `SELECT nextval('epoch_seq')::text AS epoch`,
      );
      expect(taken.has(rows[0]?.epoch ?? '')).toBe(false);
      taken.add(rows[0]?.epoch ?? '');
    }
  };
  const newest = async () =>
    (await worker.pool.query<{ last: string }>('SELECT last_value::text AS last FROM epoch_seq')).rows[0]
      ?.last;
  const raise = async () => {
    for (let i = 0; i < 20; i += 1) {
      const above = BigInt((await newest()) ?? '0') + BigInt(i % 3) - 1n;
      await asWeb.pool.query('SELECT raise_epoch($1, $2)', [above.toString(), 's-none']);
    }
  };
  await Promise.all([take(), take(), raise(), raise()]);
  expect(taken.size).toBe(200);
  await expect(worker.pool.query('SELECT raise_epoch(5, $1)', ['s-none'])).rejects.toThrow(
    /permission denied/,
  );
  await expect(asWeb.pool.query('SELECT raise_epoch(1000000000000001, $1)', ['x'])).rejects.toThrow(
    /out of range/,
  );
});
