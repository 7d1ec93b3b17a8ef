import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CredentialSecret } from '@/lib/access/credential-view';
import { SiteId } from '@/lib/core/ids';
import { openSealed } from '@/lib/secrets/seal';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import type { ServiceContext } from './context';
import { createCredential } from './credentials/create-credential';
import { deleteCredential } from './credentials/delete-credential';
import { listCredentials } from './credentials/list-credentials';
import { approveHostKey } from './host-keys/approve-host-key';
import { listHostKeys } from './host-keys/list-host-keys';
import { revokeHostKey } from './host-keys/revoke-host-key';
import { createJob } from './jobs/create-job';
import { createSite } from './sites/create-site';
import { getTopology } from './topology/get-topology';
import { putTopology } from './topology/put-topology';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }], 'correct horse battery');
});
afterAll(() => database.drop());

const node = (name: string, internalIp: string, credentialId?: string) => ({
  name,
  role: 'server',
  internalIp,
  ssh: credentialId ? { credentialId } : {},
});
const topologyOf = (...nodes: object[]) => ({ pattern: 'custom', nodes });

/** What a worker, and only a worker, gets out of the sealed rows of an owner. */
async function openAs(owner: string): Promise<Map<string, string>> {
  const rows = await database.worker.prisma.secret.findMany({ where: { owner } });
  return new Map(
    rows.map(({ sealed, ...row }) => [row.purpose, openSealed(web.sealKey, sealed, row).toString('utf8')]),
  );
}

describe('credentials', () => {
  it('are sealed to the workers, and the database holds no word of them (S1, S4)', async () => {
    const canaries = { password: 'canary-password-1', sudoPassword: 'canary-sudo-1' };
    const view = await createCredential(admin, { kind: 'password', name: 'root', ...canaries });
    expect(JSON.stringify([view, await listCredentials(admin)])).not.toContain('canary');
    const stored = CredentialSecret.parse(JSON.parse((await openAs(view.id)).get('credential') ?? ''));
    expect(stored).toEqual(canaries);
    const owner = new Client({ connectionString: database.ownerUrl });
    await owner.connect();
    const tables = await owner.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    );
    for (const { name } of tables.rows) {
      const { rows } = await owner.query<{ found: boolean }>(
        `SELECT EXISTS (SELECT 1 FROM "${name}" t WHERE t::text ILIKE '%canary%' OR t::text LIKE '%' || encode('canary', 'hex') || '%') AS found`,
      );
      expect(rows[0]?.found, name).toBe(false);
    }
    await owner.end();
  });

  it('fail to open when their row is swapped with another', async () => {
    const [a, b] = [
      await createCredential(admin, { kind: 'password', name: 'swap a', password: 'a' }),
      await createCredential(admin, { kind: 'password', name: 'swap b', password: 'b' }),
    ];
    await database.worker.pool.query(
      `UPDATE secret t SET sealed = o.sealed FROM secret o
        WHERE t.owner = ANY($1) AND o.owner = ANY($1) AND t.owner <> o.owner`,
      [[a.id, b.id]],
    );
    await expect(openAs(a.id)).rejects.toThrow(/can't be opened/);
  });

  it('take the keys that people have, with the fingerprint that ssh-keygen prints', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'siteplan-keygen-'));
    const kinds = [
      ['ed25519', ''],
      ['ed25519', 'pass phrase'],
      ['rsa', ''],
      ['ecdsa', ''],
    ] as const;
    for (const [index, [type, passphrase]] of kinds.entries()) {
      const file = join(dir, `key-${index}`);
      execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', file]);
      const printed = execFileSync('ssh-keygen', ['-l', '-f', file]).toString().split(' ')[1];
      const privateKey = readFileSync(file, 'utf8').replace(/\n/g, '\r\n');
      const input = { kind: 'key', name: `key ${index}`, privateKey, ...(passphrase && { passphrase }) };
      expect((await createCredential(admin, input)).publicInfo).toBe(printed);
    }
    rmSync(dir, { recursive: true });
  });

  it('take PEM keys and keep them in a form that SSH reads', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const pem = rsa
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString();
    const input = { kind: 'key', name: 'pem', privateKey: pem, passphrase: 'x' };
    const view = await createCredential(admin, input);
    expect(view.publicInfo).toMatch(/^SHA256:/);
    const stored = CredentialSecret.parse(JSON.parse((await openAs(view.id)).get('credential') ?? ''));
    expect(stored.privateKey).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
    expect(stored.passphrase).toBeUndefined();
    await expect(createCredential(admin, { ...input, name: 'wrong', passphrase: 'y' })).rejects.toMatchObject(
      { code: 'invalid' },
    );
  });

  it.each([
    ['a public key', 'ssh-ed25519 AAAAC3Nza canary', /public key/],
    ['a PuTTY key', 'PuTTY-User-Key-File-3: ssh-ed25519 canary', /PuTTY/],
    [
      'half a key',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----',
      /cut short/,
    ],
    ['something else', 'canary', /not a private key/],
  ])('refuse %s in words that repeat none of it', async (_, privateKey, words) => {
    const created = createCredential(admin, { kind: 'key', name: 'x', privateKey });
    await expect(created).rejects.toThrow(words);
    await expect(created).rejects.not.toThrow(/canary|b3Blbn/);
  });

  it('stay while a node uses them', async () => {
    const { id } = await createCredential(admin, { kind: 'password', name: 'used', password: 'x' });
    const { siteId, etag } = await createSite(admin, {
      name: 'user of it',
      topology: topologyOf(node('s1', '192.0.2.1', id)),
    });
    await expect(deleteCredential(admin, { credentialId: id })).rejects.toThrow(
      /used by 1 node \(user of it\)/,
    );
    await putTopology(admin, { siteId, topology: topologyOf(), etag });
    await deleteCredential(admin, { credentialId: id });
    expect((await listCredentials(admin)).map((row) => row.id)).not.toContain(id);
    const reuse = putTopology(admin, { siteId, topology: topologyOf(node('s1', '192.0.2.1', id)), etag });
    await expect(reuse).rejects.toMatchObject({ code: 'precondition-failed' });
  });

  it('may not be led to another host by an operator of one site (contract 8)', async () => {
    const { id } = await createCredential(admin, { kind: 'password', name: 'of admin', password: 'x' });
    const { siteId } = await createSite(admin, {
      name: 'shared',
      topology: topologyOf(node('s1', '192.0.2.1', id)),
    });
    const operator = await web.createPerson([{ siteId: SiteId.parse(siteId), role: 'operator' }]);
    const put = async (change: (one: ReturnType<typeof node>) => object) => {
      const { topology, etag } = await getTopology(operator, { siteId });
      const nodes = topology.nodes.map((one) => change(one as ReturnType<typeof node>)); // same fields as ours
      return putTopology(operator, { siteId, topology: { ...topology, nodes }, etag });
    };
    await expect(put((one) => ({ ...one, internalIp: '203.0.113.9' }))).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(put((one) => ({ ...one, ssh: { ...one.ssh, port: 2222 } }))).rejects.toMatchObject({
      code: 'forbidden',
    });
    const bastion = { address: '203.0.113.9', credentialId: id };
    await expect(put((one) => ({ ...one, ssh: { ...one.ssh, bastion } }))).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect(await put((one) => ({ ...one, zone: 'rack 1' }))).toMatchObject({ revision: 2 });
    const own = await createCredential(operator, { kind: 'password', name: 'of operator', password: 'y' });
    const moved = { internalIp: '203.0.113.9', ssh: { credentialId: own.id } };
    expect(await put((one) => ({ ...one, ...moved }))).toMatchObject({ revision: 3 });
    expect(await createJob(operator, { kind: 'preflight', siteId })).toMatchObject({ state: 'queued' });
  });
});

describe('host keys', () => {
  it('are pinned by a named person, one per node, and revoked', async () => {
    const { siteId, topology } = await createSite(admin, {
      name: 'keys',
      topology: topologyOf(node('s1', '192.0.2.1')),
    });
    const nodeId = topology.nodes[0]?.id ?? '';
    const [a, b] = [`SHA256:${'a'.repeat(43)}`, `SHA256:${'b'.repeat(43)}`];
    for (const fingerprint of [a, b]) {
      const key = {
        id: fingerprint,
        nodeId,
        address: '192.0.2.1',
        port: 22,
        algorithm: 'ssh-ed25519',
        publicKey: 'x',
        fingerprint,
      };
      await database.worker.prisma.hostKey.create({ data: key });
    }
    const approved = await approveHostKey(admin, { siteId, nodeId, fingerprint: a });
    expect(approved).toMatchObject({ approvedBy: admin.actor.email, revokedAt: null });
    expect(await approveHostKey(admin, { siteId, nodeId, fingerprint: a })).toEqual(approved);
    await approveHostKey(admin, { siteId, nodeId, fingerprint: b });
    const states = (await listHostKeys(admin, { siteId })).map((key) => [
      key.fingerprint,
      key.revokedAt !== null,
    ]);
    expect(new Map(states as [string, boolean][])).toEqual(
      new Map([
        [a, true],
        [b, false],
      ]),
    );
    await expect(approveHostKey(admin, { siteId, nodeId, fingerprint: a })).rejects.toMatchObject({
      code: 'conflict',
    });
    await database.worker.prisma.hostKey.updateMany({
      where: { fingerprint: a },
      data: { seenAt: new Date(Date.now() + 1_000) },
    });
    expect(await approveHostKey(admin, { siteId, nodeId, fingerprint: a })).toMatchObject({
      revokedAt: null,
    });
    expect((await revokeHostKey(admin, { siteId, nodeId, fingerprint: a })).revokedAt).not.toBeNull();
    const elsewhere = await createSite(admin, { name: 'keys elsewhere' });
    const foreign = approveHostKey(admin, { siteId: elsewhere.siteId, nodeId, fingerprint: b });
    await expect(foreign).rejects.toMatchObject({ code: 'not-found' });
  });
});
