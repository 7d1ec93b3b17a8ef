import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { HostPublicKey } from '@/lib/ssh/host-key';
import type { HostTarget } from '@/lib/ssh/target';
import { findFreePort } from './find-free-port';
import { waitFor } from './wait-for';

export interface TestSshd {
  readonly port: number;
  /** Temporary directory of this server: keys, configuration, log. */
  readonly dir: string;
  readonly user: string;
  readonly privateKey: string;
  readonly hostKeys: readonly HostPublicKey[];
  /** How to sign in to it, as the current user, with sudo off. */
  readonly target: HostTarget;
  readonly readLog: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

function makeKey(path: string, type: string): void {
  const result = spawnSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'test', '-f', path]);
  if (result.status !== 0) throw new Error(`ssh-keygen: ${result.stderr.toString()}`);
}

async function readPublicKey(path: string): Promise<HostPublicKey> {
  const [algorithm = '', publicKey = ''] = (await readFile(path, 'utf8')).split(' ');
  return { algorithm, publicKey };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/**
 * A real sshd on a loopback port, as the current user, with keys and configuration of its own. `lines` are put first
 * into its configuration, where they win.
 */
export async function startSshd(lines: readonly string[] = []): Promise<TestSshd> {
  const dir = await mkdtemp(join(tmpdir(), 'siteplan-sshd-'));
  const at = (name: string) => join(dir, name);
  for (const type of ['ed25519', 'ecdsa', 'rsa']) makeKey(at(`host_${type}`), type);
  makeKey(at('client'), 'ed25519');
  await copyFile(at('client.pub'), at('authorized_keys'));
  const { username, uid } = userInfo();
  if (uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 }); // sshd as root insists on it
  const port = await findFreePort();
  const config = [
    ...lines,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...['ed25519', 'ecdsa', 'rsa'].map((type) => `HostKey ${at(`host_${type}`)}`),
    `AuthorizedKeysFile ${at('authorized_keys')}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'MaxStartups 100',
    'LogLevel DEBUG1',
  ];
  await writeFile(at('sshd_config'), `${config.join('\n')}\n`);
  const child = spawn('/usr/sbin/sshd', ['-D', '-f', at('sshd_config'), '-E', at('log')], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await waitFor(() => canConnect(port), { what: 'sshd to listen' });
  const privateKey = await readFile(at('client'), 'utf8');
  const hostKeys = await Promise.all(
    ['ed25519', 'ecdsa', 'rsa'].map((type) => readPublicKey(at(`host_${type}.pub`))),
  );
  return {
    port,
    dir,
    user: username,
    privateKey,
    hostKeys,
    target: {
      name: 'test-host',
      address: '127.0.0.1',
      port,
      user: username,
      auth: { kind: 'key', privateKey },
      sudo: 'none',
      hostKey: { pinned: hostKeys.slice(0, 1) },
    },
    readLog: () => readFile(at('log'), 'utf8'),
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      await rm(dir, { recursive: true, force: true });
    },
  };
}
