import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { checkLabSupport } from '@/e2e/lab/support';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import type { HostTarget } from '@/lib/ssh/target';
import type { RigHost } from '@/lib/testing/engine-rig';
import { startSshd } from '@/lib/testing/sshd';

/** What lib/ssh may reach in a bench: loopback and the labs' networks. */
export const BENCH_POLICY = { allow: ['127.0.0.0/8', '10.213.0.0/16'] };

export interface BenchHost extends RigHost {
  readonly name: string;
  readonly keyPath: string;
  readonly knownHostsPath: string;
  /** Directory on the host for what the bench writes there; a step sees it without its root. */
  readonly scratch: string;
  /** Options that let the OpenSSH programs do what lib/ssh does: this key, this host key, no questions. */
  readonly sshOptions: readonly string[];
}

export interface BenchHosts {
  readonly hosts: readonly BenchHost[];
  /** For `detail`: what the hosts are. */
  readonly kind: string;
  /** Null where the hosts are sshd processes on loopback. */
  readonly lab: Lab | null;
  readonly stop: () => Promise<void>;
}

function toSshOptions(keyPath: string, knownHostsPath: string): string[] {
  const options = [
    `UserKnownHostsFile=${knownHostsPath}`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'HostKeyAlgorithms=ssh-ed25519',
    'BatchMode=yes',
    'LogLevel=ERROR',
  ];
  return ['-F', '/dev/null', '-i', keyPath, ...options.flatMap((option) => ['-o', option])];
}

async function toLabHost(lab: Lab, at: number): Promise<BenchHost> {
  const host = lab.hosts[at];
  if (!host) throw new Error(`the lab has no host ${at}`);
  const endpoint = { name: host.name, address: host.address, port: host.port };
  const key = await scanHostKey(endpoint, { policy: BENCH_POLICY });
  if (key.fingerprint !== host.hostKeyFingerprint) throw new Error(`${host.name} shows another host key`);
  const knownHostsPath = join(lab.dir, `known-hosts-${host.name}`);
  await writeFile(knownHostsPath, `${host.address} ${key.algorithm} ${key.publicKey}\n`);
  const target: HostTarget = {
    ...endpoint,
    user: host.user,
    auth: { kind: 'key', privateKey: await readFile(host.privateKeyPath, 'utf8') },
    sudo: 'none',
    hostKey: { pinned: [key] },
  };
  const keyPath = host.privateKeyPath;
  return {
    nodeId: `n-${at}`,
    target,
    root: '',
    name: host.name,
    keyPath,
    knownHostsPath,
    scratch: '/srv/bench',
    sshOptions: toSshOptions(keyPath, knownHostsPath),
  };
}

async function startLabHosts(name: string, count: number): Promise<BenchHosts> {
  const names = Array.from({ length: count }, (_, at) => ({ name: `h${at + 1}` }));
  const lab = await startLab({ name, hosts: names });
  try {
    const hosts = await Promise.all(names.map((_, at) => toLabHost(lab, at)));
    await Promise.all(hosts.map((host) => lab.exec(host.name, ['mkdir', '-p', host.scratch])));
    return { hosts, kind: 'lab hosts (systemd)', lab, stop: () => lab.stop() };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** sshd processes on loopback, as the current user: no systemd, no root needed. */
export async function startLoopbackHosts(count: number): Promise<BenchHosts> {
  // scp speaks SFTP.
  const start = () => startSshd(['Subsystem sftp internal-sftp']);
  const servers = await Promise.all(Array.from({ length: count }, start));
  const hosts = servers.map(async (server, at): Promise<BenchHost> => {
    const [key] = server.hostKeys;
    const knownHostsPath = join(server.dir, 'known-hosts');
    await writeFile(knownHostsPath, `[127.0.0.1]:${server.port} ${key?.algorithm} ${key?.publicKey}\n`);
    const keyPath = join(server.dir, 'client');
    return {
      nodeId: `n-${at}`,
      target: server.target,
      root: server.dir,
      name: `h${at + 1}`,
      keyPath,
      knownHostsPath,
      scratch: server.dir,
      sshOptions: toSshOptions(keyPath, knownHostsPath),
    };
  });
  return {
    hosts: await Promise.all(hosts),
    kind: 'sshd on loopback',
    lab: null,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** A path in the host's scratch directory as a step's parameter names it: below the host's root. */
export function toStepPath({ scratch, root }: BenchHost, name: string): string {
  return `${scratch.slice(root.length)}/${name}`;
}

/** Lab hosts where the lab can run, else sshd processes on loopback. `name` is unique among this machine's labs. */
export function startBenchHosts(name: string, count: number): Promise<BenchHosts> {
  return checkLabSupport() === null ? startLabHosts(name, count) : startLoopbackHosts(count);
}
