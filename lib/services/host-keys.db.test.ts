import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { approveHostKey } from './host-keys/approve-host-key';
import { importKnownHosts } from './host-keys/import-known-hosts';
import { listHostKeys } from './host-keys/list-host-keys';
import { createSite } from './sites/create-site';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
let dir: string;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
  dir = mkdtempSync(join(tmpdir(), 'siteplan-known-'));
});
afterAll(async () => {
  rmSync(dir, { recursive: true });
  await database.drop();
});

let count = 0;

/** `TYPE BASE64` of a new key, and its fingerprint as ssh-keygen prints it. */
function makeKey(type = 'ed25519'): { line: string; fingerprint: string } {
  count += 1;
  const path = join(dir, `key-${count}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'comment', '-f', path]);
  const printed = execFileSync('ssh-keygen', ['-l', '-f', `${path}.pub`]).toString();
  const line = readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  return { line, fingerprint: /SHA256:\S{43}/.exec(printed)?.[0] ?? '' };
}

async function siteOf(name: string) {
  const bastion = { address: 'gate.example', port: 2222 };
  const nodes = ['10', '11'].map((last, index) => ({
    name: `s${index + 1}`,
    role: 'server',
    internalIp: `192.0.2.${last}`,
    ssh: { bastion },
  }));
  const { siteId } = await createSite(admin, { name, topology: { pattern: 'custom', nodes } });
  const pins = async () =>
    (await listHostKeys(admin, { siteId }))
      .filter(({ approvedAt, revokedAt }) => approvedAt !== null && revokedAt === null)
      .map(({ nodeName, hop, fingerprint }) => `${nodeName} ${hop ?? '-'} ${fingerprint}`)
      .sort();
  return { siteId, pins };
}

describe('import of a known_hosts file', () => {
  it('pins what is about hosts of the site, hashed by ssh-keygen or not, and says what it left out', async () => {
    const { siteId, pins } = await siteOf('plain and hashed');
    const [own, second, gate, foreign] = [makeKey(), makeKey('ecdsa'), makeKey(), makeKey()];
    const plain = join(dir, 'known_hosts');
    writeFileSync(plain, `192.0.2.10 ${own.line}\n[gate.example]:2222 ${gate.line}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', plain], { stdio: 'ignore' });
    const hashed = readFileSync(plain, 'utf8');
    expect(hashed).not.toContain('192.0.2.10');
    const text = `# mine\n${hashed}192.0.2.10 ${second.line}\nelsewhere.example ${foreign.line}\n@cert-authority * ${foreign.line}\nrubbish\n`;
    const result = await importKnownHosts(admin, { siteId, text });
    const hop = 'gate.example:2222';
    expect(result.matched).toMatchObject([
      { line: 2, nodeName: 's1', fingerprint: own.fingerprint },
      { line: 3, nodeName: 's1', hop, fingerprint: gate.fingerprint },
      { line: 3, nodeName: 's2', hop, fingerprint: gate.fingerprint },
      { line: 4, nodeName: 's1', fingerprint: second.fingerprint, algorithm: 'ecdsa-sha2-nistp256' },
    ]);
    expect(result.unmatched).toEqual([5]);
    expect(result.refused.map(({ line }) => line)).toEqual([6, 7]);
    expect(await pins()).toEqual(
      [
        `s1 - ${own.fingerprint}`,
        `s1 - ${second.fingerprint}`,
        `s1 ${hop} ${gate.fingerprint}`,
        `s2 ${hop} ${gate.fingerprint}`,
      ].sort(),
    );
    const audit = await database.worker.prisma.audit.findMany({ where: { action: 'host-key.import' } });
    expect(audit.filter(({ object }) => object === siteId)).toHaveLength(1);
  });

  it('replaces what was pinned for the same host, and for no other', async () => {
    const { siteId, pins } = await siteOf('replaces');
    const [old, fresh, other] = [makeKey(), makeKey(), makeKey()];
    await importKnownHosts(admin, {
      siteId,
      text: `192.0.2.10 ${old.line}\n192.0.2.11 ${other.line}`,
    });
    await importKnownHosts(admin, { siteId, text: `192.0.2.10 ${fresh.line}` });
    expect(await pins()).toEqual([`s1 - ${fresh.fingerprint}`, `s2 - ${other.fingerprint}`].sort());
  });

  it('revokes by a @revoked line, whatever other lines say', async () => {
    const { siteId, pins } = await siteOf('revokes');
    const [bad, good] = [makeKey(), makeKey()];
    await importKnownHosts(admin, { siteId, text: `192.0.2.10 ${bad.line}\n192.0.2.11 ${bad.line}` });
    expect(await pins()).toHaveLength(2);
    const text = `192.0.2.* ${bad.line}\n@revoked * ${bad.line}\n192.0.2.11 ${good.line}`;
    const { revoked, matched } = await importKnownHosts(admin, { siteId, text });
    // Two nodes, and the bastion on the way to each.
    expect(revoked).toHaveLength(4);
    expect(matched).toMatchObject([{ nodeName: 's2', fingerprint: good.fingerprint }]);
    expect(await pins()).toEqual([`s2 - ${good.fingerprint}`]);
    const [key] = await listHostKeys(admin, { siteId });
    const approve = approveHostKey(admin, {
      siteId,
      nodeId: revoked[0]?.nodeId ?? key?.nodeId,
      fingerprint: bad.fingerprint,
    });
    await expect(approve).rejects.toMatchObject({ code: 'conflict' });
  });

  it('refuses a file that says too much at once, and writes nothing of it', async () => {
    const nodes = Array.from({ length: 60 }, (_, index) => ({
      name: `s${index + 1}`,
      role: index < 3 ? 'server' : 'agent',
      internalIp: `192.0.2.${index + 10}`,
    }));
    const { siteId } = await createSite(admin, { name: 'many', topology: { pattern: 'custom', nodes } });
    const lines = Array.from({ length: 84 }, () => {
      const key = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20'), randomBytes(32)]);
      return `* ssh-ed25519 ${key.toString('base64')}`;
    });
    const imported = importKnownHosts(admin, { siteId, text: lines.join('\n') });
    await expect(imported).rejects.toMatchObject({ code: 'invalid' });
    expect(await listHostKeys(admin, { siteId })).toEqual([]);
    const some = await importKnownHosts(admin, {
      siteId,
      text: `${lines[0]}\n@revoked * ${lines[0]?.slice(2)}`,
    });
    expect([some.matched.length, some.revoked.length]).toEqual([0, 60]);
  });

  it('is for those who may approve, and has a limit', async () => {
    const { siteId } = await siteOf('rights');
    const viewer = await web.createPerson([{ siteId: SiteId.parse(siteId), role: 'viewer' }]);
    const stranger = await web.createPerson([]);
    const text = `192.0.2.10 ${makeKey().line}`;
    await expect(importKnownHosts(viewer, { siteId, text })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(importKnownHosts(stranger, { siteId, text })).rejects.toMatchObject({ code: 'not-found' });
    const long = { siteId, text: '#'.repeat(200_001) };
    await expect(importKnownHosts(admin, long)).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('credentials of the agent', () => {
  const openAs = async (owner: string) => {
    const row = await database.worker.prisma.secret.findFirstOrThrow({ where: { owner } });
    return CredentialSecret.parse(JSON.parse(openSealed(web.sealKey, row.sealed, row).toString('utf8')));
  };

  it('are made by administrators, with the one key to use or none', async () => {
    const operator = await web.createPerson([{ siteId: null, role: 'operator' }]);
    const input = { kind: 'agent', name: 'agent' };
    await expect(createCredential(operator, input)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await createCredential(admin, input)).toMatchObject({ kind: 'agent', publicInfo: '' });
    const key = makeKey();
    const named = { ...input, name: 'agent, one key', publicKey: `${key.line} somebody@somewhere\n` };
    const view = await createCredential(admin, named);
    expect(view.publicInfo).toBe(key.fingerprint);
    expect(await openAs(view.id)).toEqual({ agent: true, publicKey: key.line });
  });

  it.each([
    ['-----BEGIN OPENSSH PRIVATE KEY-----\ncanary', /private key/],
    ['ssh-ed25519 canary', /not a public key/],
    ['ssh-dss AAAAB3NzaC1kc3MAAACBcanarycanary', /not a public key/],
    ['ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoq', /not a public key/],
  ])('refuse %j as the key', async (publicKey, words) => {
    const made = createCredential(admin, { kind: 'agent', name: 'bad', publicKey });
    await expect(made).rejects.toThrow(words);
    await expect(made).rejects.not.toThrow(/canary/);
  });
});
