import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ApiClient } from './api-client';
import { kinds } from './api-resources';
import { parseCommandOptions } from './command-options';
import type { CommandOptions } from './command-options';
import { httpsRequest } from './https-json';
import type { Layout } from './layout';
import { log, toMessage } from './log';
import { printTable } from './print-table';
import type { Settings } from './settings';

interface Snapshot {
  name: string;
  location: string;
  size: number;
  createdAt: string;
}

interface Folder {
  path: string;
  settings: Settings;
  layout: Layout;
  client: ApiClient;
}

const valued = [
  'name',
  'o',
  'output',
  'dir',
  'etcd-snapshot-dir',
  'snapshot-retention',
  'etcd-snapshot-retention',
];
const notHere = ['s3', 'etcd-s3', 'snapshot-compress', 'etcd-snapshot-compress'];

/**
 * `rke2 etcd-snapshot save|ls|delete|prune`, real snapshots of the real etcd (facts 7.2). Throws the sentence to end
 * with: without a running server, as RKE2 does, and for compression and S3, which the stand-in does not have.
 */
export async function runEtcdSnapshot(
  argv: readonly string[],
  settings: Settings,
  layout: Layout,
  client: ApiClient,
): Promise<void> {
  const [action = 'save', ...more] = argv;
  const options = parseCommandOptions(more, valued, notHere);
  const missing = notHere.find((name) => options.flags.has(name));
  if (missing !== undefined) throw new Error(`etcd-snapshot --${missing}: this stand-in does not have it`);
  const { flags } = options;
  const path = flags.get('dir') ?? flags.get('etcd-snapshot-dir') ?? settings.snapshotDir ?? layout.snapshots;
  const folder = { path, settings, layout, client };
  await requireServer(layout);
  switch (action) {
    case 'save':
      return save(folder, flags.get('name') ?? 'on-demand');
    case 'ls':
    case 'list':
    case 'l':
      return list(folder, flags.get('o') ?? flags.get('output') ?? 'table');
    case 'delete':
      return remove(folder, options.rest);
    case 'prune':
      return prune(folder, options);
    default:
      throw new Error(`No help topic for 'etcd-snapshot ${action}'`);
  }
}

async function requireServer(layout: Layout): Promise<void> {
  const ping = await httpsRequest('https://127.0.0.1:9345/ping', { ca: join(layout.tls, 'server-ca') }).catch(
    () => null,
  );
  if (ping?.text !== 'pong')
    throw new Error(
      'Error: see server log for details: dial tcp 127.0.0.1:9345: connect: connection refused',
    );
}

async function save(folder: Folder, prefix: string): Promise<void> {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(prefix)) throw new Error(`invalid snapshot name ${prefix}`);
  const { etcdTls: tls } = folder.layout;
  const name = `${prefix}-${folder.settings.nodeName}-${Math.floor(Date.now() / 1000)}`;
  mkdirSync(folder.path, { recursive: true, mode: 0o700 });
  const path = join(folder.path, name);
  const identity = [`--cacert=${tls}/server-ca.crt`, `--cert=${tls}/client.crt`, `--key=${tls}/client.key`];
  execFileSync('etcdctl', ['--endpoints=https://127.0.0.1:2379', ...identity, 'snapshot', 'save', path], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  chmodSync(path, 0o600);
  const snapshot = readSnapshots(folder.path).find((candidate) => candidate.name === name);
  if (snapshot !== undefined) await publish(folder, snapshot);
  process.stdout.write(`Snapshot ${name} saved.\n`);
}

function list(folder: Folder, form: string): void {
  const snapshots = readSnapshots(folder.path);
  if (form === 'json') return void process.stdout.write(`${JSON.stringify(snapshots, null, 2)}\n`);
  if (form === 'yaml') return void process.stdout.write(stringify(snapshots));
  const rows = snapshots.map(({ name, location, size, createdAt }) => [
    name,
    location,
    String(size),
    createdAt,
  ]);
  printTable([['Name', 'Location', 'Size', 'Created'], ...rows]);
}

async function remove(folder: Folder, names: readonly string[]): Promise<void> {
  if (names.length === 0) throw new Error('no snapshots given for removal');
  const found = readSnapshots(folder.path);
  const missing = names.find((name) => !found.some((snapshot) => snapshot.name === name));
  if (missing !== undefined) throw new Error(`snapshot ${missing} not found`);
  for (const name of names) {
    rmSync(join(folder.path, name));
    await withdraw(folder, name);
    process.stdout.write(`Snapshot ${name} deleted.\n`);
  }
}

/** Keeps the newest snapshots whose name begins with the prefix, and the others altogether. */
async function prune(folder: Folder, { flags }: CommandOptions): Promise<void> {
  const prefix = flags.get('name') ?? folder.settings.snapshotName;
  const given = flags.get('snapshot-retention') ?? flags.get('etcd-snapshot-retention') ?? '5';
  const retention = Number(given);
  if (!Number.isInteger(retention) || retention < 1) throw new Error(`invalid snapshot retention ${given}`);
  const own = readSnapshots(folder.path).filter((snapshot) => snapshot.name.startsWith(`${prefix}-`));
  const surplus = own.slice(0, Math.max(0, own.length - retention)).map((snapshot) => snapshot.name);
  if (surplus.length > 0) await remove(folder, surplus);
}

/** Oldest first: by the seconds at the end of the name, which are when it was taken. */
function readSnapshots(path: string): Snapshot[] {
  const names = existsSync(path) ? readdirSync(path).filter((name) => !name.endsWith('.part')) : [];
  const takenAt = (name: string) => Number(/(\d+)$/.exec(name)?.[1] ?? 0);
  return names
    .sort((left, right) => takenAt(left) - takenAt(right) || left.localeCompare(right))
    .map((name) => {
      const { size, mtime } = statSync(join(path, name));
      const createdAt = mtime.toISOString().replace(/\.\d+Z$/, 'Z');
      return { name, location: `file://${join(path, name)}`, size, createdAt };
    });
}

const objectName = (name: string) => `local-${name.toLowerCase()}`;

/** What `kubectl get etcdsnapshotfiles.k3s.cattle.io` shows; a snapshot is good without it. */
async function publish({ client, settings }: Folder, snapshot: Snapshot): Promise<void> {
  const { name, location, size, createdAt } = snapshot;
  const object = {
    metadata: { name: objectName(name) },
    spec: { snapshotName: name, nodeName: settings.nodeName, location },
    status: { creationTime: createdAt, readyToUse: true, size: String(size) },
  };
  await client.apply(kinds.snapshotFile, null, object).catch(warn);
}

async function withdraw({ client }: Folder, name: string): Promise<void> {
  await client.remove(kinds.snapshotFile, null, objectName(name)).catch(warn);
}

function warn(error: unknown): void {
  log.warn(`ETCDSnapshotFile: ${toMessage(error)}`);
}
