import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';
import { connectDatabase, type Database } from '@/lib/db/connect';
import { stopListening } from '@/lib/db/listen';

export interface TestDatabase {
  /** As the owner, who may do everything; for set-up and for looking. */
  readonly ownerUrl: string;
  readonly web: Database;
  readonly worker: Database;
  /** URL for a role, e.g. for a child process. */
  readonly urlFor: (role: 'siteplan' | 'siteplan_web' | 'siteplan_worker') => string;
  readonly drop: () => Promise<void>;
}

/**
 * A database of its own for one test file, cloned from the migrated template of the run's PostgreSQL, with the real
 * roles. Call `drop` in afterAll.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = inject('siteplanDatabase');
  const name = `t_${randomBytes(6).toString('hex')}`;
  const admin = new Client({ connectionString: template.adminUrl });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template.templateName}`);
  await admin.end();
  const urlFor = (role: string) => template.urlPattern.replace('ROLE', role).replace('DATABASE', name);
  const web = connectDatabase(urlFor('siteplan_web'), 'siteplan_web', { maxConnections: 5 });
  const worker = connectDatabase(urlFor('siteplan_worker'), 'siteplan_worker', { maxConnections: 5 });
  return {
    ownerUrl: urlFor('siteplan'),
    web,
    worker,
    urlFor,
    drop: async () => {
      await Promise.all([stopListening(web), stopListening(worker)]);
      await Promise.all([web.close(), worker.close()]);
      const client = new Client({ connectionString: template.adminUrl });
      await client.connect();
      await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await client.end();
    },
  };
}
