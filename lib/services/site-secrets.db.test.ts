import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listSiteSecrets } from './site-secrets/list-site-secrets';
import { removeSiteSecret } from './site-secrets/remove-site-secret';
import { setSiteSecret } from './site-secrets/set-site-secret';
import type { AppError } from '@/lib/core/errors';
import { SiteId } from '@/lib/core/ids';
import { openSealed } from '@/lib/secrets/seal';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { formatTopology } from '@/lib/topology/format-topology';
import { listAudit } from './audit/list-audit';
import type { ServiceContext } from './context';
import { createSite } from './sites/create-site';
import { getTopology } from './topology/get-topology';
import { putTopology } from './topology/put-topology';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
});
afterAll(() => database.drop());

let count = 0;
async function makeSite(): Promise<string> {
  count += 1;
  const etcd = { snapshots: { s3: { endpoint: 's3.example.net', bucket: 'snapshots' } } };
  const view = await createSite(admin, { name: `site ${count}`, topology: { pattern: 'custom', etcd } });
  return view.siteId;
}
const accessKey = { field: 's3-access-key' } as const;
const secretKey = { field: 's3-secret-key' } as const;

/** What a worker, and only a worker, gets out of the sealed rows of a site, newest first. */
async function openAs(owner: string, purpose: string): Promise<string[]> {
  const rows = await database.worker.prisma.secret.findMany({
    where: { owner, purpose },
    orderBy: { version: 'desc' },
  });
  return rows.map(({ sealed, ...row }) => openSealed(web.sealKey, sealed, row).toString('utf8'));
}

describe('secrets of a site', () => {
  it('are sealed, referred to by a new revision, and told by date and name alone', async () => {
    const siteId = await makeSite();
    const operator = await web.createPerson([{ siteId: SiteId.parse(siteId), role: 'operator' }]);
    const set = await setSiteSecret(operator, { siteId, ...secretKey, value: ' canary/Secret+Key= \n' });
    expect(set).toMatchObject({ ...secretKey, version: 1, setBy: operator.actor.email });
    expect(await openAs(siteId, 's3-secret-key')).toEqual(['canary/Secret+Key=']);
    const { revision, topology } = await getTopology(admin, { siteId });
    expect(revision).toBe(2);
    expect(topology.etcd.snapshots.s3?.secretKey?.version).toBe(1);
    const listed = await listSiteSecrets(admin, { siteId });
    expect(listed).toEqual([{ ...accessKey, version: null, setAt: null, setBy: null }, set]);
    const audit = await listAudit(admin, {});
    expect(JSON.stringify(audit)).toContain('"site-secret.set"');
    expect(JSON.stringify([audit, topology, listed])).not.toContain('canary');
  });

  it('are replaced by a version of their own, keep their date while others change, and are removed', async () => {
    const siteId = await makeSite();
    const first = await setSiteSecret(admin, { siteId, ...accessKey, value: 'first-key' });
    await setSiteSecret(admin, { siteId, ...secretKey, value: 'other-key' });
    expect((await listSiteSecrets(admin, { siteId }))[0]).toEqual(first);
    const second = await setSiteSecret(admin, { siteId, ...accessKey, value: 'second-key' });
    expect(second.version).toBe(2);
    expect(await openAs(siteId, 's3-access-key')).toEqual(['second-key', 'first-key']);
    await removeSiteSecret(admin, { siteId, ...accessKey });
    const { revision, topology } = await getTopology(admin, { siteId });
    expect(revision).toBe(5);
    expect(topology.etcd.snapshots.s3).not.toHaveProperty('accessKey');
    expect(topology.etcd.snapshots.s3).toHaveProperty('secretKey');
    await expect(removeSiteSecret(admin, { siteId, ...accessKey })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('stay when a document leaves them out, and go with the store', async () => {
    const siteId = await makeSite();
    await setSiteSecret(admin, { siteId, ...accessKey, value: 'first-key' });
    await setSiteSecret(admin, { siteId, ...secretKey, value: 'other-key' });
    const stored = await getTopology(admin, { siteId });
    const text = formatTopology(stored.topology).replace(
      /^ +(accessKey|secretKey):\n( +(id|version):.*\n)+/gm,
      '',
    );
    expect(text).not.toContain('accessKey');
    expect(await putTopology(admin, { siteId, topology: text, etag: stored.etag })).toEqual(stored);
    const bare = { ...stored.topology, etcd: {} };
    const after = await putTopology(admin, { siteId, topology: bare, etag: stored.etag });
    expect(after.topology.etcd.snapshots).not.toHaveProperty('s3');
    expect((await listSiteSecrets(admin, { siteId })).map(({ version }) => version)).toEqual([null, null]);
  });

  it.each([
    ['blanks', 'two words', 'has blanks, quotes, backslashes or letters beyond ASCII: paste the key alone'],
    ['fewer than 8 characters', 'abc1234', 'shorter than 8 characters'],
    ['quotes', 'a"b', 'has blanks, quotes'],
    ['a backslash', 'a\\b', 'has blanks, quotes'],
    ['letters beyond ASCII', 'schlüssel', 'has blanks, quotes'],
    ['brackets of slots', '⟦secret k-1 v1⟧', 'has blanks, quotes'],
    ['a line break', 'a\nb', 'has blanks, quotes'],
    ['nothing', '  ', 'type or paste the value'],
    ['a whole file', 'x'.repeat(1_001), 'longer than 1000 characters'],
  ])('with %s are refused before anything is stored', async (_what, value, words) => {
    const siteId = await makeSite();
    const refused = await setSiteSecret(admin, { siteId, ...secretKey, value }).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({
      code: 'invalid',
      fields: { value: expect.stringContaining(words) as string },
    });
    expect(String(refused)).not.toContain(value.trim() || 'nothing');
    expect(await openAs(siteId, 's3-secret-key')).toEqual([]);
    expect((await getTopology(admin, { siteId })).revision).toBe(1);
  });

  it('need a place in the topology, and are none that Siteplan makes itself', async () => {
    const { siteId } = await createSite(admin, { name: 'without a store' });
    await expect(setSiteSecret(admin, { siteId, ...secretKey, value: 'some-key' })).rejects.toMatchObject({
      code: 'conflict',
      message: 'This site has no S3 store yet. Set its endpoint and bucket first.',
    });
    expect(await openAs(siteId, 's3-secret-key')).toEqual([]);
    await expect(setSiteSecret(admin, { siteId, field: 'server-token', value: 'x' })).rejects.toMatchObject({
      code: 'invalid',
    });
  });

  it('of another site are refused in a topology', async () => {
    const [mine, theirs] = [await makeSite(), await makeSite()];
    await setSiteSecret(admin, { siteId: theirs, ...secretKey, value: 'their-key' });
    const foreign = (await getTopology(admin, { siteId: theirs })).topology.etcd;
    const { topology, etag } = await getTopology(admin, { siteId: mine });
    await expect(
      putTopology(admin, { siteId: mine, topology: { ...topology, etcd: foreign }, etag }),
    ).rejects.toThrow('etcd.snapshots.s3.secretKey does not refer to a secret of this site');
  });

  it('come back by no older document once they were replaced or removed', async () => {
    const siteId = await makeSite();
    await setSiteSecret(admin, { siteId, ...accessKey, value: 'first-key' });
    await setSiteSecret(admin, { siteId, ...secretKey, value: 'other-key' });
    const { topology: older } = await getTopology(admin, { siteId });
    await setSiteSecret(admin, { siteId, ...accessKey, value: 'second-key' });
    await removeSiteSecret(admin, { siteId, ...secretKey });
    const present = await getTopology(admin, { siteId });
    const put = (topology: object) => putTopology(admin, { siteId, topology, etag: present.etag });
    const fields = ['etcd.snapshots.s3.accessKey', 'etcd.snapshots.s3.secretKey'];
    const refused = await put({ ...older, notes: 'changed' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'conflict',
      message:
        `The document refers to older keys in ${fields.join(' and ')}. Leave those out to keep what is set now; ` +
        'keys are changed in the settings of the site alone.',
    });
    expect(Object.keys((refused as AppError).fields ?? {})).toEqual(fields);
    expect(await getTopology(admin, { siteId })).toEqual(present);
    const { accessKey: key, ...place } = older.etcd.snapshots.s3 ?? {};
    expect(key?.version).toBe(1);
    const bare = {
      ...older,
      etcd: { snapshots: { s3: { ...place, secretKey: undefined } } },
      notes: 'changed',
    };
    const kept = await put(bare);
    expect(kept.topology.etcd).toEqual(present.topology.etcd);
    const same = await putTopology(admin, {
      siteId,
      topology: { ...kept.topology, notes: '' },
      etag: kept.etag,
    });
    expect(same.topology.etcd).toEqual(present.topology.etcd);
  });

  it('of another site are named together to a new one, which has join tokens of its own', async () => {
    const siteId = await makeSite();
    const bare = (await getTopology(admin, { siteId })).topology;
    const name = `copy of ${siteId}`;
    const copy = await createSite(admin, { name, topology: formatTopology(bare) });
    expect(copy.topology.security.serverToken).toBeDefined();
    expect(copy.topology.security.serverToken).not.toEqual(bare.security.serverToken);
    expect(copy.topology.security.agentToken).not.toEqual(bare.security.agentToken);

    await setSiteSecret(admin, { siteId, ...accessKey, value: 'first-key' });
    await setSiteSecret(admin, { siteId, ...secretKey, value: 'other-key' });
    const topology = formatTopology((await getTopology(admin, { siteId })).topology);
    const refused = { code: 'invalid', fields: expect.any(Object) as object };
    const made = createSite(admin, { name: `${name} with keys`, topology });
    await expect(made).rejects.toMatchObject({
      ...refused,
      message:
        'A new site has no secrets yet. Leave out etcd.snapshots.s3.accessKey and etcd.snapshots.s3.secretKey, and set ' +
        'the keys of the S3 store in the settings of the new site.',
    });
    const authKey = bare.security.serverToken;
    const edge = createSite(admin, {
      name: `${name} with edge`,
      topology: { ...bare, edge: { tailscale: { authKey } } },
    });
    await expect(edge).rejects.toMatchObject({
      ...refused,
      message: 'A new site has no secrets yet. Leave out edge.tailscale.authKey.',
    });
  });
});
