import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { Failure } from '@/lib/core/failure';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import { startSshd, type TestSshd } from '@/lib/testing/sshd';
import { startTcpProxy, type TcpProxy } from '@/lib/testing/tcp-proxy';
import { waitFor } from '@/lib/testing/wait-for';
import { connectHost, type HostConnection } from './connect-host';
import { HostError } from './host-error';
import { scanHostKey } from './scan-host-key';
import type { ConnectOptions, HostTarget } from './target';

const OPTIONS: ConnectOptions = {
  policy: { allow: ['127.0.0.0/8'] },
  connectTimeoutMs: 2_000,
  readyTimeoutMs: 8_000,
  keepalive: { intervalMs: 1_000, count: 3 },
};

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

async function fakeHost({ onTestFinished }: TestContext, name: string): Promise<FakeHost> {
  const host = await startFakeHost(name);
  onTestFinished(() => host.stop());
  return host;
}

async function proxyToSshd({ onTestFinished }: TestContext): Promise<TcpProxy> {
  const proxy = await startTcpProxy({ address: '127.0.0.1', port: sshd.port });
  onTestFinished(() => proxy.stop());
  return proxy;
}

async function connect(
  { onTestFinished }: TestContext,
  target: HostTarget,
  options = OPTIONS,
): Promise<HostConnection> {
  const connection = await connectHost(target, options);
  onTestFinished(() => connection.close());
  return connection;
}

async function echo(connection: HostConnection): Promise<string> {
  const result = await connection.openShell().run({ script: 'echo works', timeoutMs: 5_000 });
  return result.stdout.toString();
}

/** The failure of something that must fail. */
async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HostError)) throw new Error('did not fail with a HostError', { cause: error });
  return error.failure;
}

describe.concurrent('a real sshd', () => {
  it('is connected to, and its key is what ssh-keygen says', async (t) => {
    expect(await echo(await connect(t, sshd.target))).toBe('works\n');
    const scanned = await scanHostKey(sshd.target, OPTIONS);
    const listed = spawnSync('ssh-keygen', [
      '-l',
      '-f',
      join(sshd.dir, 'host_ed25519.pub'),
    ]).stdout.toString();
    expect(listed).toContain(` ${scanned.fingerprint} `);
    expect(scanned).toMatchObject({ algorithm: 'ssh-ed25519', publicKey: sshd.hostKeys[0]?.publicKey });
  });

  it('is not signed in to by a scan', async () => {
    await scanHostKey(sshd.target, OPTIONS);
    expect(await sshd.readLog()).not.toContain('userauth-request for user siteplan service');
  });

  it.for([0, 1, 2])('shows the pinned one of its keys (%i)', async (index, t) => {
    const pinned = sshd.hostKeys.slice(index, index + 1);
    expect(await echo(await connect(t, { ...sshd.target, hostKey: { pinned } }))).toBe('works\n');
  });

  it('that refuses a key says what it offers', async (t) => {
    const host = await fakeHost(t, 'stranger');
    const failure = await failureOf(connect(t, { ...sshd.target, name: 's2', auth: host.target.auth }));
    expect(failure.code).toBe('auth-rejected');
    expect(failure.message).toBe(
      `s2 refused the key for ${sshd.user}@127.0.0.1 port ${sshd.port}. The host offers publickey only.`,
    );
  });

  it('is reached through a bastion with a pinned key of its own', async (t) => {
    const host = await fakeHost(t, 'behind');
    const target = { ...host.target, bastions: [sshd.target] };
    expect(await echo(await connect(t, target))).toBe('works\n');
    const wrong = { ...sshd.target, hostKey: host.target.hostKey };
    expect(await failureOf(connect(t, { ...target, bastions: [wrong] }))).toMatchObject({
      code: 'host-key-changed',
    });
  });
});

describe.concurrent('host keys (S11)', () => {
  it('that changed stop everything before any authentication', async (t) => {
    const host = await fakeHost(t, 's1-changed-key');
    const failure = await failureOf(connect(t, host.target));
    expect(failure.code).toBe('host-key-changed');
    expect(failure.message).toMatch(/showed the host key SHA256:\S{43}; approved is SHA256:\S{43}/);
    expect(host.authRequests()).toBe(0);
  });

  it('of another kind than the pinned one count as changed', async (t) => {
    const rsa = sshd.hostKeys.slice(2);
    const host = await fakeHost(t, 'ed25519-only');
    const failure = await failureOf(connect(t, { ...host.target, hostKey: { pinned: rsa } }));
    expect(failure.code).toBe('host-key-changed');
    expect(host.authRequests()).toBe(0);
  });

  it('that nobody approved are not connected to at all', async (t) => {
    const host = await fakeHost(t, 's1');
    const failure = await failureOf(connect(t, { ...host.target, hostKey: { pinned: [] } }));
    expect(failure.code).toBe('host-key-unknown');
    expect(host.link.connections()).toBe(0);
  });
});

describe.concurrent('algorithms (S13)', () => {
  it('on offer are the strong ones, and no others', async (t) => {
    let hello = '';
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('SSH-2.0-listener\r\n');
      socket.on('data', (data) => {
        hello += data.toString('latin1');
        if (hello.includes('hmac')) socket.destroy();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // a TCP server has one
    await failureOf(connect(t, { ...sshd.target, port }));
    server.close();
    for (const strong of [
      'curve25519-sha256',
      'aes128-gcm@openssh.com',
      'hmac-sha2-256',
      'kex-strict-c-v00',
    ]) {
      expect(hello).toContain(strong);
    }
    for (const weak of ['sha1', 'cbc', 'ssh-rsa', 'ssh-dss', 'md5', 'arcfour', 'group1', 'zlib']) {
      expect(hello).not.toContain(weak);
    }
  });
});

describe.concurrent('hosts that offer only weak algorithms (S13)', () => {
  it.for([
    ['sha1-kex', 'offers no key exchange that is still considered safe'],
    ['cbc-only', 'offers no cipher'],
    ['sha1-mac', 'offers no message authentication'],
    ['sha1-host-key', 'offers no signature of its host key'],
    ['lax-chacha20', 'offers no way to use ChaCha20'],
  ] as const)('%s is refused before any authentication: %s', async ([name, words], t) => {
    const host = await fakeHost(t, `s1-${name}`);
    const failure = await failureOf(connect(t, host.target));
    expect(failure.code).toBe('weak-algorithms');
    expect(failure.message).toContain(words);
    expect(failure.nextAction).not.toBe('');
    expect(host.authRequests()).toBe(0);
  });

  it('are refused by a scan as well', async (t) => {
    for (const name of ['sha1-kex', 'cbc-only', 'sha1-mac', 'sha1-host-key']) {
      const host = await fakeHost(t, `s1-${name}`);
      expect((await failureOf(scanHostKey(host.target, OPTIONS))).code).toBe('weak-algorithms');
    }
  });

  it('and ChaCha20 with strict key exchange is not among them', async (t) => {
    const strict = await startSshd(['Ciphers chacha20-poly1305@openssh.com']);
    t.onTestFinished(() => strict.stop());
    expect(await echo(await connect(t, strict.target))).toBe('works\n');
  });
});

describe.concurrent('addresses (S18)', () => {
  it('are refused before any connection', async (t) => {
    const host = await fakeHost(t, 's1');
    expect(await failureOf(connect(t, host.target, { ...OPTIONS, policy: {} }))).toMatchObject({
      code: 'address-refused',
    });
    expect(await failureOf(scanHostKey(host.target, { ...OPTIONS, policy: {} }))).toMatchObject({
      code: 'address-refused',
    });
    expect(host.link.connections()).toBe(0);
  });

  it('are resolved once, so that a name cannot change its mind', async (t) => {
    const host = await fakeHost(t, 's1');
    const answers = [['192.0.2.1'], ['127.0.0.1']];
    let asked = 0;
    const resolve = () => {
      asked += 1;
      return Promise.resolve(answers.shift() ?? []);
    };
    const options = { ...OPTIONS, policy: {}, connectTimeoutMs: 300, resolve };
    const failure = await failureOf(connect(t, { ...host.target, address: 'rebinding.example' }, options));
    expect(['host-unreachable', 'connection-refused']).toContain(failure.code);
    expect(asked).toBe(1);
    expect(host.link.connections()).toBe(0);
  });

  it('are all checked, not only the first', async (t) => {
    const resolve = () => Promise.resolve(['192.0.2.1', '169.254.169.254']);
    const target = { ...sshd.target, address: 'two.example' };
    expect(await failureOf(connect(t, target, { ...OPTIONS, resolve }))).toMatchObject({
      code: 'address-refused',
    });
  });
});

describe.concurrent('failures in words', () => {
  it.for([
    ['s1-refuses-auth', 'auth-rejected', 'refused the key for siteplan@'],
    ['s1-weak-algorithms', 'weak-algorithms', 'offers no key exchange'],
    ['s1-resets-in-kex', 'connection-lost', 'closed the connection during the SSH handshake'],
    ['s1-black-hole', 'host-unreachable', 'did not finish the SSH handshake in time'],
    ['s1-hangs-in-auth', 'host-unreachable', 'stopped answering while siteplan signed in'],
    ['s1-password-expired', 'password-expired', 'wants a new password'],
  ] as const)('%s is %s', async ([name, code, words], t) => {
    const host = await fakeHost(t, name);
    const failure = await failureOf(connect(t, host.target));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(words);
    expect(failure.nextAction).not.toBe('');
  });

  it('a closed port is a refused connection, an unknown name is one', async (t) => {
    expect(await failureOf(connect(t, { ...sshd.target, port: 1 }))).toMatchObject({
      code: 'connection-refused',
    });
    const nowhere = { ...sshd.target, address: 'no-such-host.invalid' };
    expect((await failureOf(connect(t, nowhere))).code).toBe('name-not-resolved');
  });

  it('a key that cannot be opened is no refusal of the host', async (t) => {
    const target: HostTarget = { ...sshd.target, auth: { kind: 'key', privateKey: 'not a key' } };
    expect(await failureOf(connect(t, target))).toMatchObject({ code: 'credential-missing' });
  });

  it.for([
    ['s1-no-login-shell', 'none', 'login-shell-unusable', 'This account is currently not available.'],
    ['s1-sudo-wants-password', 'nopasswd', 'sudo-password-needed', 'asks for a password'],
    ['s1-sudo-refuses', 'nopasswd', 'sudo-refused', 'does not let this user'],
    ['s1-sudo-needs-tty', 'nopasswd', 'sudo-needs-tty', 'insists on a terminal'],
  ] as const)('%s with sudo %s is %s', async ([name, sudo, code, words], t) => {
    const host = await fakeHost(t, name);
    const failure = await failureOf(echo(await connect(t, { ...host.target, sudo })));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(words);
  });

  it('a wrong sudo password is refused after one try; the right one works', async (t) => {
    const host = await fakeHost(t, 's1-sudo-wants-password');
    const wrong = await connect(t, { ...host.target, sudo: { password: 'canary-wrong' } });
    const failure = await failureOf(echo(wrong));
    expect(failure).toMatchObject({ code: 'sudo-refused' });
    expect(JSON.stringify(failure)).not.toContain('canary-wrong');
    // Each try counts against an account; one that failed is not repeated.
    expect(await readFile(join(host.root, 'sudo-tries'), 'utf8')).toBe('try\ntry\n');
    const right = await connect(t, { ...host.target, sudo: { password: 'fake-password' } });
    expect(await echo(right)).toBe('works\n');
  });

  it('banners and junk before every command harm nothing', async (t) => {
    const host = await fakeHost(t, 's1-banner-noise');
    const connection = await connect(t, { ...host.target, sudo: 'nopasswd' });
    expect(await echo(connection)).toBe('works\n');
    let seen = '';
    const stream = await connection.stream({
      script: 'echo streamed',
      onData: (chunk) => {
        seen += chunk.toString();
      },
    });
    await stream.done;
    expect(seen).toBe('streamed\n');
  });
});

describe.concurrent('links that die', () => {
  it('are noticed when nothing comes back, and what waits is told', async (t) => {
    const proxy = await proxyToSshd(t);
    const connection = await connect(t, { ...sshd.target, port: proxy.port });
    const shell = connection.openShell();
    await shell.run({ script: ':', timeoutMs: 5_000 });
    let lost: Failure | null | undefined;
    connection.onClose((failure) => {
      lost = failure;
    });
    const waiting = shell.run({ script: 'sleep 30', timeoutMs: 60_000 });
    proxy.blackHole();
    expect(await failureOf(waiting)).toMatchObject({ code: 'connection-lost' });
    await waitFor(() => lost, { what: 'the loss to be reported' });
    expect(lost?.code).toBe('connection-lost');
    await expect(connection.openShell().run({ script: ':', timeoutMs: 5_000 })).rejects.toMatchObject({
      code: 'connection-lost',
    });
  });

  it('stay up through silence as long as pings come back', async (t) => {
    const proxy = await proxyToSshd(t);
    proxy.setDelayMs(200);
    const keepalive = { intervalMs: 2_000, count: 3 };
    const options = { ...OPTIONS, readyTimeoutMs: 30_000, keepalive };
    const connection = await connect(t, { ...sshd.target, port: proxy.port }, options);
    const result = await connection
      .openShell()
      .run({ script: 'sleep 7; echo still here', timeoutMs: 20_000 });
    expect(result.stdout.toString()).toBe('still here\n');
  });

  it.for(['resetAll', 'halfCloseAll'] as const)('by %s end what waits', async (how, t) => {
    const proxy = await proxyToSshd(t);
    const connection = await connect(t, { ...sshd.target, port: proxy.port });
    const stream = await connection.stream({ script: 'echo begun; sleep 30', onData: () => proxy[how]() });
    expect(await failureOf(stream.done)).toMatchObject({ code: 'connection-lost' });
  });

  it('by our own close are no failure', async (t) => {
    const connection = await connect(t, sshd.target);
    let lost: Failure | null | undefined;
    connection.onClose((failure) => {
      lost = failure;
    });
    connection.close();
    await waitFor(() => lost !== undefined, { what: 'the end of the connection' });
    expect(lost).toBeNull();
  });
});
