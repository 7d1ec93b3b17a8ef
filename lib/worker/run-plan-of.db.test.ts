import { generateKeyPairSync } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { SiteId } from '@/lib/core/ids';
import { claimRun, readRunEvents } from '@/lib/db/run-log';
import { createLogger } from '@/lib/log/logger';
import { buildPlan } from '@/lib/plan/build-plan';
import { toKeyId } from '@/lib/secrets/seal';
import type { ServiceContext } from '@/lib/services/context';
import { createRun } from '@/lib/services/runs/create-run';
import { createSite } from '@/lib/services/sites/create-site';
import { connectHost } from '@/lib/ssh/connect-host';
import { insertPlan, insertPreflight } from '@/lib/testing/factories';
import { RIG_INSTALLATION, RIG_POLICY } from '@/lib/testing/engine-rig';
import { expectWorkerFault } from '@/lib/testing/expect-fault';
import { WORKER_FAULTS, type WorkerFaultId } from '@/lib/testing/fake-faults';
import { findFreePort } from '@/lib/testing/find-free-port';
import { makeFacts } from '@/lib/testing/make-facts';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { createWebFixture, type WebFixture } from '@/lib/testing/web-fixture';
import { readRevision } from './read-topology';
import { runPlanOf } from './run-plan-of';
import type { WorkerContext } from './worker-context';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
let context: WorkerContext;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
  context = {
    db: database.worker,
    sealKey: web.sealKey,
    policy: RIG_POLICY,
    log: createLogger('test', new PassThrough().resume()),
    holder: 'test',
    installationId: RIG_INSTALLATION,
    signal: new AbortController().signal,
  };
});
afterAll(() => database.drop());

/** A claimed run of a real plan for one host, whose connections are refused. */
async function claimedRun({ task }: TestContext) {
  const nodes = [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }];
  const site = await createSite(admin, { name: task.id, topology: { pattern: 'custom', nodes } });
  const siteId = SiteId.parse(site.siteId);
  const { topology, revision } = await readRevision(database.worker, siteId, 1);
  const facts = topology.nodes.map((node) => makeFacts(topology, node));
  const plan = buildPlan({ siteId, topology, revision, kind: 'apply', facts });
  await insertPlan(database.worker.pool, plan, facts);
  await insertPreflight(database.worker.pool, siteId);
  const { id: runId } = await createRun(admin, { planId: plan.id });
  const { rows } = await database.worker.pool.query<{ epoch: string }>(
    `UPDATE site_lease SET holder = 'test', epoch = nextval('epoch_seq'), lease_until = now() + interval '1 h'
      WHERE site_id = $1 RETURNING epoch::text AS epoch`,
    [siteId],
  );
  const claim = { siteId, epoch: BigInt(rows[0]?.epoch ?? '0') };
  const run = await claimRun(database.worker, claim, 'test');
  if (!run) throw new Error('the run was not claimed');
  const events = async () => (await readRunEvents(database.worker, runId, 0, 100)).map(({ body }) => body);
  return { claim, run, events, plan };
}

type Claimed = Awaited<ReturnType<typeof claimedRun>>;

const PROVOKE: Readonly<Record<WorkerFaultId, (claimed: Claimed) => Promise<Partial<WorkerContext>>>> = {
  'refused-before-start': () => Promise.resolve({}),
  'tampered-plan': async ({ plan }) => {
    const body = { ...plan, steps: plan.steps.map((step) => ({ ...step, title: 'Nothing much' })) };
    // The worker's role may not change a plan; whoever stole the database may.
    const owner = database.urlFor('siteplan');
    const client = new Client({ connectionString: owner });
    await client.connect();
    await client.query('UPDATE plan SET body = $2 WHERE id = $1', [plan.id, JSON.stringify(body)]);
    await client.end();
    return {};
  },
  'another-seal-key': () => {
    const { publicKey, privateKey } = generateKeyPairSync('x25519');
    return Promise.resolve({ sealKey: { key: publicKey, privateKey, keyId: toKeyId(publicKey) } });
  },
};

it.for(WORKER_FAULTS)('$id: $provoked', async (row, t) => {
  const claimed = await claimedRun(t);
  const changes = await PROVOKE[row.id](claimed);
  const port = await findFreePort();
  const connect = () =>
    connectHost(
      {
        name: 's1',
        address: '127.0.0.1',
        port,
        user: 'root',
        auth: { kind: 'password', password: 'none' },
        sudo: 'none',
        hostKey: { pinned: [{ algorithm: 'ssh-ed25519', publicKey: 'AAAA' }] },
      },
      { policy: RIG_POLICY },
    );
  const hosts = { connect, use: () => undefined, close: () => undefined };
  const watch = {
    hostsFor: () => hosts,
    isIdle: () => Promise.resolve(true),
    close: () => Promise.resolve(),
  };
  const work = runPlanOf({ ...context, ...changes }, claimed.claim, claimed.run, watch);
  await expectWorkerFault(row, work, claimed.events);
  const { rows } = await database.worker.pool.query('SELECT state FROM run WHERE id = $1', [
    claimed.run.runId,
  ]);
  expect(rows).toEqual([{ state: row.state }]);
});
