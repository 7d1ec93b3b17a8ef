import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { connectDatabase, type Database } from '@/lib/db/connect';
import { ensureDatabase, startCluster } from '@/lib/db/embedded-cluster';
import { stopListening } from '@/lib/db/listen';
import { migrateDatabase } from '@/lib/db/migrate';

/** A PostgreSQL of its own, which may be killed and started again while others use it. */
export interface OwnCluster {
  /** Path of the server's Unix socket. */
  readonly socketPath: string;
  /** A fresh migrated database. */
  readonly createDatabase: (name: string) => Promise<OwnClusterDatabase>;
  /** Ends the server at once, without a checkpoint; connections break. */
  readonly kill: () => void;
  /** Starts it again after `kill`; resolves when it answers. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface OwnClusterDatabase {
  readonly urlFor: (role: string) => string;
  /** As the owner, who may do everything; ends with the server. */
  readonly owner: Pool;
}

const TEMPLATE = 'own_template';

function openOwnerPool(connectionString: string): Pool {
  const pool = new Pool({ connectionString, max: 4, connectionTimeoutMillis: 5_000 });
  // A server that is killed is a failed query, never the end of this process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Starts a PostgreSQL without fsync for tests and soaks; `createDatabase` makes databases in it. */
export async function startOwnCluster(): Promise<OwnCluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'siteplan-own-db-'));
  await chmod(dataDir, 0o711);
  const options = {
    dataDir,
    onLog: () => undefined,
    settings: { fsync: 'off', max_connections: '200' },
  };
  let cluster = await startCluster(options);
  const owners: Pool[] = [];
  await ensureDatabase(cluster, TEMPLATE);
  await migrateDatabase(cluster.urlFor('siteplan', TEMPLATE), join(process.cwd(), 'prisma/migrations'));
  return {
    socketPath: join(new URL(cluster.urlFor('a', 'b')).searchParams.get('host') ?? '', '.s.PGSQL.5432'),
    createDatabase: async (name) => {
      const client = new Client({ connectionString: cluster.urlFor('siteplan', 'postgres') });
      await client.connect();
      await client.query(`CREATE DATABASE "${name}" TEMPLATE ${TEMPLATE}`).finally(() => client.end());
      const urlFor = (role: string) => cluster.urlFor(role, name);
      const owner = openOwnerPool(urlFor('siteplan'));
      owners.push(owner);
      return { urlFor, owner };
    },
    kill: () => cluster.kill(),
    start: async () => {
      cluster = await startCluster(options);
    },
    stop: async () => {
      await Promise.all(owners.map((owner) => owner.end()));
      await cluster.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export interface OwnDatabase {
  readonly worker: Database;
  /** As the worker's role, for engines in processes of their own. */
  readonly workerUrl: string;
  readonly stop: () => Promise<void>;
}

/** A PostgreSQL of its own with one migrated database, for tests outside of the project `db` (the lab). */
export async function startOwnDatabase(): Promise<OwnDatabase> {
  const cluster = await startOwnCluster();
  const { urlFor } = await cluster.createDatabase('own');
  const workerUrl = urlFor('siteplan_worker');
  const worker = connectDatabase(workerUrl, 'siteplan_worker', { maxConnections: 5 });
  return {
    worker,
    workerUrl,
    stop: async () => {
      await stopListening(worker);
      await worker.close();
      await cluster.stop();
    },
  };
}
