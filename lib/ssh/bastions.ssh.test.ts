import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, type TestContext } from 'vitest';
import type { Failure } from '@/lib/core/failure';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import { startTcpProxy } from '@/lib/testing/tcp-proxy';
import { waitFor } from '@/lib/testing/wait-for';
import { connectHost, type HostConnection } from './connect-host';
import { HostError } from './host-error';
import { scanHostKey } from './scan-host-key';
import type { ConnectOptions, HostTarget } from './target';

const OPTIONS: ConnectOptions = {
  policy: { allow: ['127.0.0.0/8'] },
  connectTimeoutMs: 2_000,
  readyTimeoutMs: 8_000,
  keepalive: { intervalMs: 2_000, count: 2 },
};

async function startHosts({ onTestFinished }: TestContext, ...names: string[]): Promise<FakeHost[]> {
  const hosts = await Promise.all(names.map(startFakeHost));
  onTestFinished(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
  });
  return hosts;
}

/** The last host behind all those before it. */
function behind(hosts: readonly FakeHost[], change: Partial<HostTarget> = {}): HostTarget {
  const last = hosts.at(-1);
  if (!last) throw new Error('a way has an end');
  return { ...last.target, bastions: hosts.slice(0, -1).map(({ target }) => target), ...change };
}

async function connect({ onTestFinished }: TestContext, target: HostTarget, options = OPTIONS) {
  const connection = await connectHost(target, options);
  onTestFinished(() => connection.close());
  return connection;
}

async function echo(connection: HostConnection): Promise<string> {
  return (await connection.openShell().run({ script: 'echo works', timeoutMs: 10_000 })).stdout.toString();
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HostError)) throw new Error('did not fail with a HostError', { cause: error });
  return error.failure;
}

describe.concurrent('bastions', () => {
  it('in a row are passed, and end with the connection', async (t) => {
    const hosts = await startHosts(t, 'a', 'b', 'c', 's1');
    const connection = await connect(t, behind(hosts));
    expect(await echo(connection)).toBe('works\n');
    for (const host of hosts) expect(host.link.connections()).toBe(1);
    connection.close();
    await waitFor(() => hosts.every((host) => host.link.connections() === 0), { what: 'every hop to end' });
  });

  it('that show another key than the approved one get no authentication, wherever they stand', async (t) => {
    for (const at of [0, 1, 2]) {
      const names = ['a', 'b', 'c', 's1'].map((name, index) => (index === at ? `${name}-changed-key` : name));
      const hosts = await startHosts(t, ...names);
      const failure = await failureOf(connect(t, behind(hosts)));
      expect(failure.code).toBe('host-key-changed');
      expect(failure.message).toContain(names[at]);
      expect(hosts.slice(at).map((host) => host.authRequests())).toEqual(hosts.slice(at).map(() => 0));
    }
  });

  it('without an approved key stop everything before the first connection', async (t) => {
    const hosts = await startHosts(t, 'a', 'b', 's1');
    const [a, b] = hosts.map(({ target }) => target);
    if (!a || !b) throw new Error('there are two');
    const bastions = [a, { ...b, hostKey: { pinned: [] } }];
    expect((await failureOf(connect(t, behind(hosts, { bastions })))).code).toBe('host-key-unknown');
    const scan = scanHostKey(behind(hosts), OPTIONS, bastions);
    expect((await failureOf(scan)).code).toBe('host-key-unknown');
    expect(hosts[0]?.link.connections()).toBe(0);
  });

  it('that die are noticed, and what goes through them ends', async (t) => {
    const hosts = await startHosts(t, 'a', 'b', 's1');
    const connection = await connect(t, behind(hosts));
    expect(await echo(connection)).toBe('works\n');
    let lost: Failure | null | undefined;
    connection.onClose((failure) => {
      lost = failure;
    });
    hosts[1]?.link.blackHole();
    await waitFor(() => lost, { what: 'the loss to be noticed' });
    expect(lost?.code).toBe('connection-lost');
  });

  it('do not hide which host refused', async (t) => {
    for (const at of [0, 1]) {
      const names = ['a', 'b', 's1'].map((name, index) => (index === at ? `${name}-refuses-auth` : name));
      const failure = await failureOf(connect(t, behind(await startHosts(t, ...names))));
      expect(failure.code).toBe('auth-rejected');
      expect(failure.message).toContain(`${names[at]} refused the key`);
    }
    const closed = await startHosts(t, 'a', 's1');
    const failure = await failureOf(connect(t, behind(closed, { port: 1 })));
    expect(failure).toMatchObject({ code: 'host-unreachable' });
    expect(failure.message).toContain('a could not reach s1 at 127.0.0.1 port 1');
  });
});

describe.concurrent('the address policy at each hop (S18)', () => {
  const REFUSED = [
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::7f00:1',
    '64:ff9b::7f00:1',
    'fe80::1',
    'fe80::1%lo',
    '169.254.169.254',
    'fd00:ec2::254',
    '100.100.100.200',
    '224.0.0.1',
    '0.0.0.0',
    '::',
    '0',
    'localhost6',
  ];
  const names: Readonly<Record<string, readonly string[]>> = { localhost6: ['::1'], 0: ['0.0.0.0'] };
  const resolve = (name: string) => Promise.resolve(names[name] ?? [name]);

  it.for([1, 2])('refuses behind %i hops what it refuses from here', async (count, t) => {
    const hosts = await startHosts(t, ...['a', 'b'].slice(0, count), 's1');
    for (const address of REFUSED) {
      const target = behind(hosts, { address });
      const failure = await failureOf(connect(t, target, { ...OPTIONS, resolve }));
      expect(failure.code, address).toBe('address-refused');
      const scan = scanHostKey(target, { ...OPTIONS, resolve }, target.bastions);
      expect((await failureOf(scan)).code, address).toBe('address-refused');
    }
    expect(hosts.map((host) => host.link.connections())).toEqual(hosts.map(() => 0));
  });

  it('refuses a hop in the middle, and Siteplan itself behind a hop', async (t) => {
    const hosts = await startHosts(t, 'a', 'b', 's1');
    const bastions = hosts.slice(0, 2).map(({ target }, index) => ({
      ...target,
      ...(index === 1 && { address: '169.254.169.254' }),
    }));
    expect((await failureOf(connect(t, behind(hosts, { bastions })))).code).toBe('address-refused');
    expect(hosts[0]?.link.connections()).toBe(0);
    const own = [{ address: '127.0.0.1', port: hosts[2]?.port ?? 0 }];
    const policy = { ...OPTIONS.policy, own };
    expect((await failureOf(connect(t, behind(hosts), { ...OPTIONS, policy }))).code).toBe('address-refused');
    expect(hosts[2]?.link.connections()).toBe(0);
  });

  it('resolves a name once, here, and goes to the address that was checked', async (t) => {
    const hosts = await startHosts(t, 'a', 's1');
    const asked: string[] = [];
    const rebinding = (name: string) => {
      asked.push(name);
      const isSecond = asked.filter((one) => one === name).length > 1;
      return Promise.resolve(
        name === 'inner.example' ? [isSecond ? '169.254.169.254' : '127.0.0.1'] : [name],
      );
    };
    const target = behind(hosts, { address: 'inner.example' });
    // The bastion cannot resolve this name, so a connection shows that it was given an address.
    expect(await echo(await connect(t, target, { ...OPTIONS, resolve: rebinding }))).toBe('works\n');
    expect(asked.filter((name) => name === 'inner.example')).toHaveLength(1);
  });

  it('lets no bastion resolve a name that does not resolve here', async (t) => {
    const hosts = await startHosts(t, 'a', 's1');
    const failure = await failureOf(connect(t, behind(hosts, { address: 'inner.invalid' })));
    expect(failure.code).toBe('name-not-resolved');
    expect(failure.nextAction).toContain('Enter its IP address');
  });
});

describe.concurrent('hosts that allow one session on a connection', () => {
  it('get a connection more for what goes on beside it, for as long as it does', async (t) => {
    const [host] = await startHosts(t, 's1-one-session');
    if (!host) throw new Error('there is one');
    const connection = await connect(t, host.target);
    const shell = connection.openShell();
    await shell.run({ script: ':', timeoutMs: 10_000 });
    const first = shell.run({ script: 'sleep 1; echo first', timeoutMs: 10_000 });
    let seen = '';
    const stream = await connection.stream({
      script: 'while echo beat; do sleep 0.1; done',
      onData: (chunk) => {
        seen += chunk.toString();
      },
    });
    const path = `${host.root}/file`;
    expect(await connection.upload(Buffer.from('content'), { path, mode: '0600' })).toMatchObject({
      sentBytes: 7,
    });
    expect((await first).stdout.toString()).toBe('first\n');
    await waitFor(() => seen.includes('beat'), { what: 'the stream' });
    await waitFor(() => host.link.connections() === 2, { what: 'the connection of the upload to end' });
    stream.close();
    await stream.done.catch(() => undefined);
    await waitFor(() => host.link.connections() === 1, { what: 'the second connection to end' });
    expect(await echo(connection)).toBe('works\n');
    connection.close();
    await waitFor(() => host.link.connections() === 0, { what: 'all connections to end' });
  });
});

describe.concurrent('a way of which nothing comes', () => {
  const impatient = { ...OPTIONS, connectTimeoutMs: 500 };

  it('because a bastion does not answer ends in time', async (t) => {
    const hosts = await startHosts(t, 'a-answers-late', 's1');
    const failure = await failureOf(connect(t, behind(hosts), impatient));
    expect(failure.code).toBe('host-unreachable');
    expect(failure.message).toContain('a-answers-late could not reach s1');
    await waitFor(() => hosts[0]?.link.connections() === 0, { what: 'the hop to be closed' });
  });

  it('to a tunnel ends in time, and a stream that comes later is closed', async (t) => {
    const [host] = await startHosts(t, 's1-answers-late');
    if (!host) throw new Error('there is one');
    let opened = 0;
    let closed = 0;
    const service = createServer((socket) => {
      opened += 1;
      socket.on('error', () => undefined).once('close', () => (closed += 1));
      socket.resume();
    });
    t.onTestFinished(() => void service.close());
    await once(service.listen(0, '127.0.0.1'), 'listening');
    const { port } = service.address() as AddressInfo; // a TCP server has one
    const connection = await connect(t, host.target, impatient);
    expect((await failureOf(connection.openTunnel('127.0.0.1', port))).code).toBe('connection-lost');
    await waitFor(() => opened === 1 && closed === 1, { what: 'the late stream to come and be closed' });
    expect(host.link.connections()).toBe(1);
  });

  it('through a bastion ends in time', async (t) => {
    const hosts = await startHosts(t, 'a', 's1');
    const proxy = await startTcpProxy({ address: '127.0.0.1', port: hosts[1]?.port ?? 0 });
    t.onTestFinished(() => proxy.stop());
    proxy.blackHole();
    const target = behind(hosts, { port: proxy.port });
    const failure = await failureOf(connect(t, target, { ...OPTIONS, readyTimeoutMs: 1_500 }));
    expect(failure.code).toBe('host-unreachable');
    await waitFor(() => hosts[0]?.link.connections() === 0, { what: 'the hop to be closed' });
  });
});
