import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2';
import type { HostPublicKey } from '@/lib/ssh/host-key';
import type { HostTarget } from '@/lib/ssh/target';
import {
  findFakeHostFailures,
  toFakeAlgorithms,
  toFakeSudo,
  type FakeHostFailure,
} from './fake-host-failures';
import { startTcpProxy, type TcpProxy } from './tcp-proxy';
import { waitFor } from './wait-for';

export interface FakeHost {
  readonly name: string;
  readonly port: number;
  /** Directory that stands for the host's `/`: pass it to scripts as `root`. */
  readonly root: string;
  /** The wire between worker and host; breaks as asked. */
  readonly link: TcpProxy;
  /** How to sign in to it. */
  readonly target: HostTarget;
  /** Authentication requests that were received, whatever their outcome. */
  readonly authRequests: () => number;
  /** Everything that runs on the host dies, its boot id changes, connections are reset. */
  readonly reboot: () => Promise<void>;
  /** Processes that run on the host. */
  readonly processes: () => Promise<number[]>;
  readonly stop: () => Promise<void>;
}

const PASSWORD = 'fake-password';

function makeKey(type: 'ed25519' | 'rsa' = 'ed25519'): { privateKey: string; publicKey: HostPublicKey } {
  for (;;) {
    const { private: privateKey, public: line } =
      type === 'rsa'
        ? ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 })
        : ssh2.utils.generateKeyPairSync('ed25519');
    // Now and then ssh2 makes a key that it cannot read itself.
    if (ssh2.utils.parseKey(privateKey) instanceof Error) continue;
    const [algorithm = '', publicKey = ''] = line.split(' ');
    return { privateKey, publicKey: { algorithm, publicKey } };
  }
}

interface HostState {
  readonly id: string;
  readonly root: string;
  readonly failures: ReadonlySet<FakeHostFailure>;
  readonly clientKey: HostPublicKey;
  authRequests: number;
  connections: number;
  link: TcpProxy | null;
}

function authenticate(host: HostState, context: AuthContext): void {
  host.authRequests += 1;
  const refuse = () => context.reject(['publickey', 'password']);
  if (host.failures.has('hangs-in-auth')) return;
  if (host.failures.has('refuses-auth')) context.reject(['publickey']);
  else if (context.method === 'password') {
    if (host.failures.has('password-expired')) context.requestChange('Choose a new password:', refuse);
    else if (context.password === PASSWORD) context.accept();
    else refuse();
  } else if (context.method === 'publickey') {
    const key = ssh2.utils.parseKey(`${host.clientKey.algorithm} ${host.clientKey.publicKey}`);
    if (key instanceof Error || !key.getPublicSSH().equals(context.key.data)) refuse();
    else if (context.signature && context.blob) {
      if (key.verify(context.blob, context.signature, context.hashAlgo)) context.accept();
      else refuse();
    } else context.accept();
  } else refuse();
}

/**
 * Sends both outputs, one chunk at a time: with both waiting for window space ssh2's server sends the rest of an old
 * chunk in place of the other output. Resolves when standard output has ended and is sent.
 */
async function sendOutputs(channel: ServerChannel, stdout: Readable, stderr: Readable): Promise<void> {
  let turn: Promise<void> = Promise.resolve();
  const send = (target: Writable, chunk: Buffer) => {
    turn = turn.then(() => new Promise((resolve) => target.write(chunk, () => resolve())));
    return turn.then(() => {
      // The rest of a chunk that ssh2 keeps after it was sent (no public name).
      Object.assign(channel, { _chunk: undefined });
    });
  };
  const pump = async (source: Readable, target: Writable) => {
    for await (const chunk of source) await send(target, chunk as Buffer); // no encoding is set
  };
  const errors = pump(stderr, channel.stderr).catch(() => undefined);
  await pump(stdout, channel).catch(() => undefined);
  await Promise.race([errors, new Promise((resolve) => setImmediate(resolve))]);
  await turn;
}

/** Runs the command as the current user in a session of its own, as sshd does, with the host's root as home. */
function execute(host: HostState, command: string, channel: ServerChannel): void {
  if (host.failures.has('banner-noise')) {
    channel.write('\u001b[31mWelcome\u001b[0m to a host that talks\r\nLast login: never\n\u0000\u0007junk\n');
    channel.stderr.write('stty: standard input: Inappropriate ioctl for device\n');
  }
  const line = host.failures.has('no-login-shell')
    ? 'echo "This account is currently not available."; exit 1'
    : command;
  const child = spawn('sh', ['-c', line], {
    cwd: host.root,
    detached: true,
    env: {
      PATH: `${host.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: host.root,
      SITEPLAN_FAKE_HOST: host.id,
      SITEPLAN_DETACH: 'setsid',
      NODE_ENV: 'test',
    },
  });
  for (const stream of [child.stdin, child.stdout, child.stderr, channel, channel.stderr]) {
    stream.on('error', () => undefined);
  }
  channel.pipe(child.stdin);
  const sent = sendOutputs(channel, child.stdout, child.stderr);
  channel.on('close', () => {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  });
  child.on('exit', (code) => {
    channel.exit(code ?? 255);
    // What a process in the background still holds open does not keep the session.
    void sent.then(() => channel.end());
  });
}

/** What a bastion does: connects where it is asked to and passes everything on. */
function forward(address: string, port: number, accept: () => ServerChannel, reject: () => void): void {
  const socket = connect({ host: address, port, noDelay: true });
  socket.once('error', reject);
  socket.once('connect', () => {
    socket.removeListener('error', reject);
    const channel = accept();
    for (const stream of [socket, channel]) stream.on('error', () => undefined);
    socket.pipe(channel).pipe(socket);
    channel.on('close', () => socket.destroy());
    socket.on('close', () => channel.end());
  });
}

interface KexOffer {
  readonly lists: {
    readonly kex: { readonly array: readonly string[] };
    readonly serverHostKey: { readonly array: readonly string[] };
    readonly cs: Readonly<Record<string, { readonly array: readonly string[] }>>;
  };
}

/** Takes strict key exchange out of what the server is about to offer; the library has no option for it. */
function offerLaxKex(client: Connection): void {
  const { _protocol: protocol } = client as unknown as { _protocol: { _offer: KexOffer } };
  const { kex, serverHostKey, cs } = protocol._offer.lists;
  const Offer = protocol._offer.constructor as new (lists: object) => KexOffer;
  const way = Object.fromEntries(Object.entries(cs).map(([name, list]) => [name, list.array]));
  protocol._offer = new Offer({
    kex: kex.array.filter((name) => !name.startsWith('kex-strict')),
    serverHostKey: serverHostKey.array,
    cs: way,
    sc: way,
  });
}

function serve(host: HostState, client: Connection): void {
  host.connections += 1;
  const isFirst = host.connections === 1;
  let channels = 0;
  let openSessions = 0;
  if (host.failures.has('lax-chacha20')) offerLaxKex(client);
  client.on('error', () => undefined);
  client.on('authentication', (context) => authenticate(host, context));
  client.on('request', (accept) => accept?.());
  client.on('tcpip', (accept, reject, { destIP, destPort }) => {
    const pass = () => forward(destIP, destPort, accept, reject);
    if (host.failures.has('forwards-nothing')) reject();
    else if (host.failures.has('answers-late')) setTimeout(pass, 3_000);
    else pass();
  });
  client.on('session', (acceptSession, rejectSession) => {
    if (openSessions > 0 && host.failures.has('one-session')) {
      rejectSession();
      return;
    }
    openSessions += 1;
    const session = acceptSession();
    session.on('close', () => {
      openSessions -= 1;
    });
    session.on('exec', (accept, _reject, { command }) => {
      channels += 1;
      // The second channel is the journal of a step, beside the shell.
      if (isFirst && channels === 2 && host.failures.has('hangs-mid-step')) {
        setTimeout(() => host.link?.freezeConnections(), 200);
      }
      execute(host, command, accept());
    });
  });
}

/** A TCP server for the failures that come before SSH has begun. */
function startRawServer(failures: ReadonlySet<FakeHostFailure>): TcpServer {
  return createServer((socket) => {
    socket.on('error', () => undefined);
    if (failures.has('black-hole')) return;
    socket.write('SSH-2.0-fake\r\n');
    socket.once('data', () => setTimeout(() => socket.resetAndDestroy(), 20));
  });
}

async function findProcesses(id: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 1);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.includes(`SITEPLAN_FAKE_HOST=${id}\0`) ? [pid] : [];
    }),
  );
  return found.flat();
}

async function killAll(id: string): Promise<void> {
  await waitFor(
    async () => {
      const pids = await findProcesses(id);
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // Gone by itself meanwhile.
        }
      }
      return pids.length === 0;
    },
    { what: 'the processes of a fake host to end' },
  );
}

async function makeRoot(failures: ReadonlySet<FakeHostFailure>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'siteplan-host-'));
  for (const dir of ['bin', 'etc', 'tmp', 'run', 'var/lib', 'proc/sys/kernel/random']) {
    await mkdir(join(root, dir), { recursive: true });
  }
  await writeFile(join(root, 'bin/sudo'), toFakeSudo(failures), { mode: 0o755 });
  await writeBootId(root);
  return root;
}

async function writeBootId(root: string): Promise<void> {
  await writeFile(join(root, 'proc/sys/kernel/random/boot_id'), `${randomUUID()}\n`);
}

/**
 * A host in this process: a real SSH server on loopback behind a breakable link, whose commands really run, as the
 * current user, below a directory of its own. Its name chooses how it fails (`fake-host-failures.ts`).
 */
export async function startFakeHost(name: string): Promise<FakeHost> {
  const failures = findFakeHostFailures(name);
  const root = await makeRoot(failures);
  const hostKey = makeKey(failures.has('sha1-host-key') ? 'rsa' : 'ed25519');
  const client = makeKey();
  const host: HostState = {
    id: randomUUID(),
    root,
    failures,
    clientKey: client.publicKey,
    authRequests: 0,
    connections: 0,
    link: null,
  };
  const algorithms = toFakeAlgorithms(failures);
  const isRaw = failures.has('black-hole') || failures.has('resets-in-kex');
  const server = isRaw
    ? startRawServer(failures)
    : new ssh2.Server({ hostKeys: [hostKey.privateKey], algorithms }, (connection) =>
        serve(host, connection),
      );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has one
  const link = await startTcpProxy({ address: '127.0.0.1', port });
  host.link = link;
  const pinned = failures.has('changed-key') ? makeKey().publicKey : hostKey.publicKey;
  return {
    name,
    port: link.port,
    root,
    link,
    target: {
      name,
      address: '127.0.0.1',
      port: link.port,
      user: 'siteplan',
      auth: failures.has('password-expired')
        ? { kind: 'password', password: PASSWORD }
        : { kind: 'key', privateKey: client.privateKey },
      sudo: 'none',
      hostKey: { pinned: [pinned] },
    },
    authRequests: () => host.authRequests,
    processes: () => findProcesses(host.id),
    reboot: async () => {
      link.refuse();
      link.resetAll();
      await killAll(host.id);
      await writeBootId(root);
      link.heal();
    },
    stop: async () => {
      await killAll(host.id);
      await link.stop();
      server.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
