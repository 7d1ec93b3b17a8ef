import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '@/lib/log/logger';
import { createCredential } from '@/lib/services/credentials/create-credential';
import type { ServiceContext } from '@/lib/services/context';
import { importKnownHosts } from '@/lib/services/host-keys/import-known-hosts';
import { createSite } from '@/lib/services/sites/create-site';
import { connectHost } from '@/lib/ssh/connect-host';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { createWebFixture, type WebFixture } from '@/lib/testing/web-fixture';
import type { TopologyNode } from '@/lib/topology/topology';
import { listSiteCredentials, toHostTarget } from './host-target';
import type { WorkerContext } from './worker-context';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
let host: FakeHost;
let context: WorkerContext;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
  host = await startFakeHost('s1');
  context = {
    db: database.worker,
    sealKey: web.sealKey,
    policy: { allow: ['127.0.0.0/8'] },
    log: createLogger('test', new PassThrough().resume()),
    holder: 'test',
    installationId: '11111111-2222-3333-4444-555555555555',
    signal: new AbortController().signal,
  };
});
afterAll(async () => {
  await host.stop();
  await database.drop();
});

/** A site whose one node is the fake host, its key imported from a known_hosts line. */
async function nodeWith(name: string, ssh: object): Promise<TopologyNode> {
  const address = { address: '127.0.0.1', port: host.port, user: 'siteplan', ...ssh };
  const node = { name: 's1', role: 'server', internalIp: '192.0.2.10', ssh: address };
  const { siteId, topology } = await createSite(admin, {
    name,
    topology: { pattern: 'custom', nodes: [node] },
  });
  const [key] = host.target.hostKey.pinned;
  const text = `[127.0.0.1]:${host.port} ${key?.algorithm} ${key?.publicKey}\n`;
  expect((await importKnownHosts(admin, { siteId, text })).matched).toHaveLength(1);
  const [stored] = topology.nodes;
  if (!stored) throw new Error('the site has a node');
  return stored;
}

describe('a credential of the agent', () => {
  it('signs in with the worker’s own agent, and only where the worker has one', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'siteplan-agent-'));
    const socket = join(dir, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    const ended = once(agent, 'exit');
    try {
      await waitFor(() => existsSync(socket), { what: 'the agent to listen' });
      const { auth } = host.target;
      if (auth.kind !== 'key') throw new Error('a fake host has a key');
      const env = { PATH: '/usr/bin:/bin', SSH_AUTH_SOCK: socket, NODE_ENV: 'test' as const };
      for (const [name, key] of [
        ['other', ''],
        ['own', auth.privateKey],
      ] as const) {
        const path = join(dir, name);
        if (key === '') execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
        else writeFileSync(path, key, { mode: 0o600 });
        execFileSync('ssh-add', ['-q', path], { env, stdio: 'ignore' });
      }
      const publicKey = execFileSync('ssh-add', ['-L'], { env }).toString().trim().split('\n').at(-1);
      const { id: credentialId } = await createCredential(admin, { kind: 'agent', name: 'agent', publicKey });
      const node = await nodeWith('agent', { credentialId });
      await expect(toHostTarget(context, node)).rejects.toMatchObject({
        code: 'credential-missing',
        failure: { nextAction: expect.stringContaining('SITEPLAN_SSH_AGENT') as string },
      });
      const before = host.authRequests();
      const target = await toHostTarget({ ...context, sshAgent: socket }, node);
      const connection = await connectHost(target, { policy: context.policy });
      connection.close();
      // Asked for with the one key, then signed with it; the other key of the agent was not offered.
      expect(host.authRequests() - before).toBeLessThanOrEqual(3);
      const denied = await createCredential(admin, {
        kind: 'agent',
        name: 'agent, other key',
        publicKey: readFileSync(join(dir, 'other.pub'), 'utf8'),
      });
      const wrong = await nodeWith('other key', { credentialId: denied.id });
      const refused = toHostTarget({ ...context, sshAgent: socket }, wrong).then((to) =>
        connectHost(to, { policy: context.policy }),
      );
      await expect(refused).rejects.toMatchObject({ code: 'auth-rejected' });
    } finally {
      agent.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true });
    }
  });
});

describe('what logs must never show', () => {
  it('are the secrets of the node and of every bastion, and no public key', async () => {
    const make = async (name: string) =>
      (await createCredential(admin, { kind: 'password', name, password: `canary-${name}` })).id;
    const [own, gate, inner] = await Promise.all(['own', 'gate', 'inner'].map(make));
    const bastion = {
      address: '203.0.113.2',
      credentialId: inner,
      bastion: { address: '203.0.113.1', credentialId: gate },
    };
    const node = {
      name: 's1',
      role: 'server',
      internalIp: '192.0.2.10',
      ssh: { credentialId: own, bastion },
    };
    const { topology } = await createSite(admin, {
      name: 'secrets',
      topology: { pattern: 'custom', nodes: [node] },
    });
    const secrets = await listSiteCredentials(context, topology);
    expect([...secrets].sort()).toEqual(['canary-gate', 'canary-inner', 'canary-own']);
  });
});
