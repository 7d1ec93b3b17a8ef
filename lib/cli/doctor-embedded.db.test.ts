import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureDatabase, startCluster, type Cluster } from '@/lib/db/embedded-cluster';
import { migrateDatabase } from '@/lib/db/migrate';
import { ensureKeys } from '@/lib/secrets/keys';
import { lockDataDir } from '@/lib/supervisor/data-dir';
import { createCliRig, type CliRig } from '@/lib/testing/cli-rig';

/* doctor where `npm start` keeps its own PostgreSQL: while that runs, and while it does not. */

interface Line {
  readonly what: string;
  readonly state: string;
  readonly words: string;
}

let dataDir: string;
let cluster: Cluster | null = null;
let rig: CliRig;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'siteplan-doctor-'));
  await chmod(dataDir, 0o711);
  await ensureKeys(join(dataDir, 'keys'));
  cluster = await startCluster({ dataDir, onLog: () => undefined, settings: { fsync: 'off' } });
  await ensureDatabase(cluster, 'siteplan');
  await migrateDatabase(cluster.urlFor('siteplan', 'siteplan'), join(process.cwd(), 'prisma/migrations'));
  rig = await createCliRig({ SITEPLAN_DATA_DIR: dataDir, DATABASE_URL: '' });
});
afterAll(async () => {
  await rig?.stop();
  await cluster?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function look(): Promise<{ code: number | null; lines: readonly Line[] }> {
  const { code, stdout } = await rig.run(['doctor', '--json']);
  return { code, lines: JSON.parse(stdout) as Line[] }; // what doctor writes
}
const listBad = (lines: readonly Line[]) =>
  lines.flatMap(({ what, state }) => (state === 'ok' ? [] : [`${state} ${what}`]));
const isServed = () =>
  stat(join(dataDir, 'postgres', 'postmaster.pid')).then(
    () => true,
    () => false,
  );

describe('doctor on an embedded database', () => {
  it('looks into the one that runs and leaves it running', async () => {
    const { code, lines } = await look();
    expect(listBad(lines)).toEqual(['fail workers']);
    expect(code).toBe(5);
    const client = new Client({ connectionString: cluster?.urlFor('siteplan', 'siteplan') });
    await client.connect();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  it('starts the one that is stopped for the look, says so, and stops it again', async () => {
    await cluster?.stop();
    cluster = null;
    expect(await isServed()).toBe(false);
    const { code, lines } = await look();
    expect(listBad(lines)).toEqual(['warn workers']);
    expect(lines.find(({ what }) => what === 'workers')?.words).toContain('was started for this look');
    expect(lines.find(({ what }) => what === 'migrations')?.words).toContain('none missing');
    expect(code).toBe(0);
    expect(await isServed()).toBe(false);
    (await lockDataDir(dataDir))(); // nobody holds it any more
  });

  it('starts none where Siteplan holds the data directory without a database that answers', async () => {
    const unlock = await lockDataDir(dataDir);
    const { code, lines } = await look();
    unlock();
    expect(listBad(lines)).toEqual(['fail database']);
    expect(lines.find(({ what }) => what === 'database')?.words).toContain('its database does not answer');
    expect(code).toBe(5);
    expect(await isServed()).toBe(false);
  });
});
