import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase, type Database } from '@/lib/db/connect';
import { ensureDatabase, startCluster } from '@/lib/db/embedded-cluster';
import { stopListening } from '@/lib/db/listen';
import { migrateDatabase } from '@/lib/db/migrate';

export interface OwnDatabase {
  readonly worker: Database;
  /** As the worker's role, for engines in processes of their own. */
  readonly workerUrl: string;
  readonly stop: () => Promise<void>;
}

/** A PostgreSQL of its own with one migrated database, for tests outside of the project `db` (the lab). */
export async function startOwnDatabase(): Promise<OwnDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'siteplan-own-db-'));
  await chmod(dataDir, 0o711);
  const cluster = await startCluster({
    dataDir,
    onLog: () => undefined,
    settings: { fsync: 'off', max_connections: '50' },
  });
  const database = 'own';
  await ensureDatabase(cluster, database);
  await migrateDatabase(cluster.urlFor('siteplan', database), join(process.cwd(), 'prisma/migrations'));
  const workerUrl = cluster.urlFor('siteplan_worker', database);
  const worker = connectDatabase(workerUrl, 'siteplan_worker', { maxConnections: 5 });
  return {
    worker,
    workerUrl,
    stop: async () => {
      await stopListening(worker);
      await worker.close();
      await cluster.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
