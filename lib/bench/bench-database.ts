import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase, type Database } from '@/lib/db/connect';
import { ensureDatabase, startCluster } from '@/lib/db/embedded-cluster';
import { migrateDatabase } from '@/lib/db/migrate';
import { readTreeCpuMs } from './cpu-time';

export interface BenchDatabase {
  readonly worker: Database;
  readonly workerUrl: string;
  /** User and system time of the whole server so far. */
  readonly readCpuMs: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** A PostgreSQL of the bench's own, with the product's settings: fsync and synchronous commits are on. */
export async function startBenchDatabase(): Promise<BenchDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'siteplan-bench-db-'));
  await chmod(dataDir, 0o711);
  const cluster = await startCluster({ dataDir, onLog: () => undefined });
  const name = 'bench';
  await ensureDatabase(cluster, name);
  await migrateDatabase(cluster.urlFor('siteplan', name), join(process.cwd(), 'prisma/migrations'));
  const workerUrl = cluster.urlFor('siteplan_worker', name);
  const worker = connectDatabase(workerUrl, 'siteplan_worker', { maxConnections: 4 });
  return {
    worker,
    workerUrl,
    readCpuMs: () => readTreeCpuMs(cluster.pid),
    stop: async () => {
      await worker.close();
      await cluster.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
