import { toCount } from '@/lib/core/text';
import { withConnection, type Database } from '@/lib/db/connect';
import { readMigrations } from '@/lib/db/migrate';
import type { SealPrivateKey } from '@/lib/secrets/seal';
import { fail, ok, warn, type DoctorLine } from './line';

/** Below this PostgreSQL lacks what the schema uses (DESIGN, section 4). */
const MIN_VERSION = 14;
const CLOCK_WARN_MS = 2_000;
const CLOCK_FAIL_MS = 60_000;

async function checkVersion(db: Database): Promise<DoctorLine> {
  const { rows } = await db.pool.query<{ server_version: string }>('SHOW server_version');
  const version = rows[0]?.server_version ?? '?';
  const isOld = Number.parseInt(version, 10) < MIN_VERSION;
  return isOld
    ? fail('database', `PostgreSQL ${version} is too old`, `Bring it to ${MIN_VERSION} or newer.`)
    : ok('database', `PostgreSQL ${version}`);
}

/** Leases, sessions and certificates are compared by two clocks: this machine's and the database's. */
async function checkClock(db: Database): Promise<DoctorLine> {
  const before = Date.now();
  const { rows } = await db.pool.query<{ ms: number }>(
    'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms',
  );
  const after = Date.now();
  const ms = rows[0]?.ms ?? 0;
  // Anything between sending and receiving is no difference.
  const offMs = ms < before ? before - ms : ms > after ? ms - after : 0;
  const words = `the clocks of this machine and of the database differ by ${(offMs / 1_000).toFixed(1)} s`;
  const fix = 'Set both by NTP (chrony or systemd-timesyncd).';
  if (offMs > CLOCK_FAIL_MS) return fail('clock', words, fix);
  return offMs > CLOCK_WARN_MS ? warn('clock', words, fix) : ok('clock', words);
}

/** The table of migrations is its owner's; a login that may not read it leaves the question open. */
async function listApplied(db: Database): Promise<string[] | null> {
  return withConnection(db.pool, async (client) => {
    await client.query('SET ROLE NONE');
    try {
      const { rows } = await client.query<{ migration_name: string }>(
        'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
      );
      return rows.map(({ migration_name: name }) => name);
    } catch {
      return null;
    } finally {
      await client.query('RESET ROLE').catch(() => undefined);
    }
  });
}

async function checkMigrations(db: Database, migrationsDir: string): Promise<DoctorLine> {
  const applied = await listApplied(db);
  if (!applied) {
    const fix = 'Run doctor with the owner’s DATABASE_URL to see it.';
    return warn('migrations', 'this login may not see what was applied', fix);
  }
  const wanted = (await readMigrations(migrationsDir)).migrationDirectories.map(({ path }) => path);
  const missing = wanted.filter((name) => !applied.includes(name));
  const newer = applied.filter((name) => !wanted.includes(name));
  if (missing.length > 0) {
    const words = `${toCount(missing.length, 'migration')} missing, first ${missing[0] ?? ''}`;
    return fail(
      'migrations',
      words,
      'Start Siteplan with the owner’s login: it brings the schema up to date.',
    );
  }
  if (newer.length > 0) {
    const words = `the database has ${toCount(newer.length, 'migration')} that this program does not know`;
    return fail('migrations', words, 'Use the program of the version that runs, or a newer one.');
  }
  return ok('migrations', `${toCount(applied.length, 'migration')} applied, none missing`);
}

async function checkWorkers(db: Database): Promise<DoctorLine[]> {
  const { rows } = await db.pool.query<{ workers: string; waiting: string; oldest: string; orphans: string }>(
    `SELECT (SELECT count(*) FROM pg_stat_activity
              WHERE datname = current_database() AND application_name = 'siteplan_worker') AS workers,
            (SELECT count(*) FROM run WHERE state = 'queued') + (SELECT count(*) FROM job WHERE state = 'queued') AS waiting,
            (SELECT COALESCE(extract(epoch FROM now() - min(created_at)), 0)::int FROM (
               SELECT created_at FROM run WHERE state = 'queued' UNION ALL
               SELECT created_at FROM job WHERE state = 'queued') AS work) AS oldest,
            (SELECT count(*) FROM run r JOIN site_lease l ON l.site_id = r.site_id
              WHERE r.state = 'running' AND (l.lease_until IS NULL OR l.lease_until < now() - interval '30 s')) AS orphans`,
  );
  const found = rows[0] ?? { workers: '0', waiting: '0', oldest: '0', orphans: '0' };
  const [workers, waiting, oldestS] = [Number(found.workers), Number(found.waiting), Number(found.oldest)];
  const work =
    waiting > 0 ? `; ${toCount(waiting, 'piece')} of work waiting, the oldest for ${oldestS} s` : '';
  const fix = 'Start one: npm start, or npm run start:worker. Its log says what keeps it from working.';
  const line =
    workers === 0
      ? fail('workers', `no worker is connected${work}`, fix)
      : waiting > 0 && oldestS > 60
        ? warn('workers', `connected${work}`, 'Look at the log of the workers.')
        : ok('workers', `connected${work}`);
  if (Number(found.orphans) === 0) return [line, ok('leases', 'every running run has a worker')];
  const words = `${toCount(Number(found.orphans), 'run')} without a worker for more than 30 s`;
  return [line, fail('leases', words, fix)];
}

async function checkSecrets(db: Database, keys: readonly SealPrivateKey[] | null): Promise<DoctorLine[]> {
  if (!keys) return [];
  const known = keys.map(({ keyId }) => keyId);
  const { rows } = await db.pool.query<{ lost: string; older: string }>(
    `SELECT count(*) FILTER (WHERE key_id <> ALL($1)) AS lost, count(*) FILTER (WHERE key_id <> $2) AS older FROM secret`,
    [known, known[0] ?? ''],
  );
  const [lost, older] = [Number(rows[0]?.lost ?? 0), Number(rows[0]?.older ?? 0)];
  if (lost > 0) {
    const fix = 'Put the missing key back as seal-old-ID.key, or store these secrets again.';
    return [fail('secrets', `${toCount(lost, 'secret')} sealed to a key that is not here`, fix)];
  }
  if (older > 0) {
    return [
      warn('secrets', `${toCount(older, 'secret')} sealed to an older key`, 'Finish with: secret rotate.'),
    ];
  }
  return [ok('secrets', 'all sealed to the key in use')];
}

/** What the database says, asked in the rights of the web process. `isRunning` is false for a server of our own. */
export async function checkDatabase(
  db: Database,
  options: { isRunning: boolean; migrationsDir: string; keys: readonly SealPrivateKey[] | null },
): Promise<DoctorLine[]> {
  const { isRunning, migrationsDir, keys } = options;
  const lines = [await checkVersion(db), await checkClock(db), await checkMigrations(db, migrationsDir)];
  if (lines.some(({ state }) => state === 'fail')) return lines;
  const stopped = warn(
    'workers',
    'Siteplan does not run; its database was started for this look',
    'npm start',
  );
  return [...lines, ...(isRunning ? await checkWorkers(db) : [stopped]), ...(await checkSecrets(db, keys))];
}
