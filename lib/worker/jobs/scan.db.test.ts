import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SiteId } from '@/lib/core/ids';
import { inTransaction } from '@/lib/db/connect';
import { createLogger } from '@/lib/log/logger';
import type { ServiceContext } from '@/lib/services/context';
import { importKnownHosts } from '@/lib/services/host-keys/import-known-hosts';
import { createSite } from '@/lib/services/sites/create-site';
import type { HostPublicKey } from '@/lib/ssh/host-key';
import { startFakeHost } from '@/lib/testing/fake-host';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { createWebFixture, type WebFixture } from '@/lib/testing/web-fixture';
import type { JobContext } from './job-context';
import { runScan } from './scan';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
let sshd: TestSshd;
let other: TestSshd;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
  [sshd, other] = await Promise.all([startSshd(), startSshd()]);
});
afterAll(async () => {
  await Promise.all([sshd.stop(), other.stop()]);
  await database.drop();
});

/** A site of one node at this port, with a known_hosts file of these keys, and what a scan says of it. */
async function scanWith(name: string, port: number, keys: readonly HostPublicKey[]) {
  const ssh = { address: '127.0.0.1', port };
  const nodes = [{ name: 's1', role: 'server', internalIp: '192.0.2.1', ssh }];
  const site = await createSite(admin, { name, topology: { pattern: 'custom', nodes } });
  const siteId = SiteId.parse(site.siteId);
  const lines = keys.map(({ algorithm, publicKey }) => `[127.0.0.1]:${port} ${algorithm} ${publicKey}`);
  expect((await importKnownHosts(admin, { siteId, text: lines.join('\n') })).matched).toHaveLength(
    keys.length,
  );
  const job = {
    db: database.worker,
    sealKey: web.sealKey,
    policy: { allow: ['127.0.0.0/8'] },
    log: createLogger('test', new PassThrough().resume()),
    siteId,
    topology: site.topology,
    progress: () => Promise.resolve(),
    fenced: ((work) => inTransaction(database.worker.pool, work)) satisfies JobContext['fenced'],
  };
  return (await runScan(job as unknown as JobContext)).nodes[0]; // what a scan reads of a job
}

it.each([0, 1, 2])('reads the key of the approved type from a host with several (%i)', async (index) => {
  const keys = sshd.hostKeys.slice(index, index + 1);
  const node = await scanWith(`type ${index}`, sshd.port, keys);
  expect(node).toMatchObject({ state: 'approved', algorithm: keys[0]?.algorithm });
});

it.each([0, 1, 2])('says that a key of the approved type has changed (%i)', async (index) => {
  const keys = other.hostKeys.slice(index, index + 1);
  const node = await scanWith(`changed ${index}`, sshd.port, keys);
  expect(node).toMatchObject({ state: 'changed', algorithm: keys[0]?.algorithm });
});

it('takes the key of a host that has none of the approved types for a new one', async (t) => {
  const host = await startFakeHost('s1');
  t.onTestFinished(() => host.stop());
  const node = await scanWith('another type', host.port, other.hostKeys.slice(1));
  expect(node).toMatchObject({ state: 'new', algorithm: 'ssh-ed25519' });
});
