import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ensureDatabase, startCluster } from '@/lib/db/embedded-cluster';
import { migrateDatabase } from '@/lib/db/migrate';

declare module 'vitest' {
  interface ProvidedContext {
    siteplanDatabase: { adminUrl: string; templateName: string; urlPattern: string };
  }
}

const TEMPLATE = 'siteplan_template';

/** One real PostgreSQL for the run, without fsync, with a migrated template database. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'siteplan-test-db-'));
  await chmod(dataDir, 0o711);
  const cluster = await startCluster({
    dataDir,
    onLog: () => undefined,
    settings: { fsync: 'off', max_connections: '200' },
  });
  const tearDown = async () => {
    await cluster.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await ensureDatabase(cluster, TEMPLATE);
    await migrateDatabase(cluster.urlFor('siteplan', TEMPLATE), join(process.cwd(), 'prisma/migrations'));
  } catch (error) {
    await tearDown();
    throw error;
  }
  project.provide('siteplanDatabase', {
    adminUrl: cluster.urlFor('siteplan', 'postgres'),
    templateName: TEMPLATE,
    urlPattern: cluster.urlFor('ROLE', 'DATABASE'),
  });
  return tearDown;
}
