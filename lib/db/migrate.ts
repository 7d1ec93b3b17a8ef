import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationList } from '@prisma/schema-engine-wasm';
import { Client } from 'pg';
import { LOCKS } from './locks';
import { applyMigrationList } from './schema-engine';

/** Reads `prisma/migrations` in order of name. */
export async function readMigrations(migrationsDir: string): Promise<MigrationList> {
  const names = (await readdir(migrationsDir, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const migrationDirectories = await Promise.all(
    names.map(async (name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: {
          tag: 'ok' as const,
          value: await readFile(join(migrationsDir, name, 'migration.sql'), 'utf8'),
        },
      },
    })),
  );
  return {
    baseDir: migrationsDir,
    lockfile: {
      path: './migration_lock.toml',
      content: await readFile(join(migrationsDir, 'migration_lock.toml'), 'utf8'),
    },
    migrationDirectories,
    shadowDbInitScript: '',
  };
}

/**
 * Brings the database at `url` (a role that may create tables and roles) to the newest migration and returns the
 * names applied. Two processes starting together take turns.
 */
export async function migrateDatabase(url: string, migrationsDir: string): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCKS.migration]);
    const applied = await applyMigrationList(url, await readMigrations(migrationsDir));
    await client.query(
      `INSERT INTO installation (id, singleton) VALUES (gen_random_uuid(), true) ON CONFLICT DO NOTHING`,
    );
    return applied;
  } finally {
    await client.end();
  }
}
