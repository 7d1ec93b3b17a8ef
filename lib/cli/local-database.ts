import { stat } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Actor } from '@/lib/access/grant';
import { connectDatabase, type Database, type DatabaseRole } from '@/lib/db/connect';
import { startCluster, toClusterUrl } from '@/lib/db/embedded-cluster';
import { isDatabaseAway } from '@/lib/db/errors';
import { env } from '@/lib/env/env';
import { loadSealPublicKey, loadSymmetricKey } from '@/lib/secrets/keys';
import type { ServiceContext } from '@/lib/services/context';
import { DataDirInUseError, lockDataDir } from '@/lib/supervisor/data-dir';
import { CliError } from './cli-error';

/** Owner and name of the embedded database (lib/supervisor/supervisor). */
const [OWNER, DATABASE] = ['siteplan', 'siteplan'];

interface Opened {
  /** False for a server of our own, for the length of the command. */
  readonly isRunning: boolean;
  readonly url: string;
  readonly close: () => Promise<void>;
}

async function answers(url: string, role: DatabaseRole): Promise<boolean> {
  const db = connectDatabase(url, role, { maxConnections: 1 });
  try {
    await db.pool.query('SELECT 1');
    return true;
  } catch (error) {
    if (isDatabaseAway(error) || (error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      return false;
    throw error;
  } finally {
    await db.close();
  }
}

/** The embedded server: the running one, else one of our own for the length of the command. */
async function openEmbedded(dataDir: string, role: DatabaseRole): Promise<Opened> {
  // The owner's login with the rights of a role, as DATABASE_URL is: doctor looks at the migrations, which are the owner's.
  const url = toClusterUrl(dataDir, OWNER, DATABASE);
  const hasData = await stat(join(dataDir, 'postgres', 'PG_VERSION')).catch(() => null);
  if (!hasData) {
    const message = `There is no database in ${dataDir}. Set SITEPLAN_DATA_DIR or DATABASE_URL as the server has it, or start Siteplan once.`;
    throw new CliError('unreachable', message);
  }
  if (await answers(url, role)) return { url, isRunning: true, close: () => Promise.resolve() };
  // Nobody else may start or use it meanwhile.
  const unlock = await lockDataDir(dataDir).catch((cause: unknown) => {
    if (!(cause instanceof DataDirInUseError)) throw cause;
    const message = `Siteplan runs on ${dataDir}, but its database does not answer. Try again in a few seconds.`;
    throw new CliError('unreachable', message, { cause });
  });
  try {
    const cluster = await startCluster({ dataDir, onLog: () => undefined });
    const close = async () => {
      await cluster.stop();
      unlock();
    };
    return { url, isRunning: false, close };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function open(role: DatabaseRole): Promise<Opened> {
  const { databaseUrl, dataDir } = env();
  if (!databaseUrl) return openEmbedded(dataDir, role);
  if (!(await answers(databaseUrl, role))) {
    const message =
      'The database of DATABASE_URL does not answer. Check the address, and that PostgreSQL runs.';
    throw new CliError('unreachable', message);
  }
  return { url: databaseUrl, isRunning: true, close: () => Promise.resolve() };
}

/** Does `work` with the installation's database in the rights of `role`, embedded or not, running or not. */
export async function withDatabase<T>(
  role: DatabaseRole,
  work: (db: Database, isRunning: boolean) => Promise<T>,
): Promise<T> {
  const opened = await open(role);
  const db = connectDatabase(opened.url, role, { maxConnections: 3 });
  try {
    return await work(db, opened.isRunning);
  } finally {
    await db.close();
    await opened.close();
  }
}

/** Who the audit names for commands on this machine: whoever may read the keys is an administrator. */
export function toLocalActor(): Actor {
  const who = `${userInfo().username}@${hostname()}`;
  return {
    userId: 'command-line',
    email: `command line (${who})`,
    name: who,
    grants: [{ siteId: null, role: 'admin' }],
    via: 'session',
    credentialId: 'command-line',
    ip: '',
    requestId: '',
  };
}

/** Does `work` as the web process would for an administrator; needs the database and the keys of this installation. */
export async function withServices<T>(work: (ctx: ServiceContext) => Promise<T>): Promise<T> {
  const { keysDir } = env();
  const [audit, seal] = await Promise.all([loadSymmetricKey(keysDir, 'audit'), loadSealPublicKey(keysDir)]);
  return withDatabase('siteplan_web', (db) => work({ db, keys: { audit, seal }, actor: toLocalActor() }));
}
