import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertRun, insertSite } from '@/lib/testing/factories';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { findChangeCursor, readChanges, recordChange, watchChanges } from './change-feed';
import { StaleEpochError } from './errors';
import { migrateDatabase } from './migrate';
import { appendRunEvents, claimRun, readRunEvents } from './run-log';
import { diffSchemas } from './schema-engine';
import { claimSite, releaseLease, renewLease, withLease } from './site-lease';

let test: TestDatabase;
let owner: Client;
beforeAll(async () => {
  test = await createTestDatabase();
  owner = new Client({ connectionString: test.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await test.drop();
});

const output = (offset: number) =>
  ({ type: 'step.output', stepId: 's1', offset, nextOffset: offset + 1, text: 'x' }) as const;

/** Everything Prisma's schema can say about a database, as sorted lines. */
async function describeDatabase(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(
    `SELECT concat_ws(' ', 'column', table_name, column_name, udt_name, datetime_precision, is_nullable, column_default) AS line
       FROM information_schema.columns WHERE table_schema = 'public'
     UNION ALL SELECT concat('index ', indexdef) FROM pg_indexes WHERE schemaname = 'public'
     UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
     ORDER BY line`,
  );
  return rows.map(({ line }) => line);
}

describe('migrations', () => {
  it('bring about exactly what the Prisma schema says, apart from what Prisma cannot say', async () => {
    const schema = await readFile('prisma/schema.prisma', 'utf8');
    const sql = await diffSchemas(
      test.ownerUrl,
      { tag: 'empty' },
      { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schema }] },
    );
    await owner.query('CREATE DATABASE from_schema');
    const url = new URL(test.ownerUrl);
    url.pathname = '/from_schema';
    const fromSchema = new Client({ connectionString: url.toString() });
    await fromSchema.connect();
    await fromSchema.query(sql);
    const raw =
      /\b(change|site_minute\w*|_prisma_migrations)\b|grant_user_all_sites_key|grant_role_check|run_state_check|run_one_active/;
    const migrated = (await describeDatabase(owner)).filter((line) => !raw.test(line));
    expect(migrated).toEqual(await describeDatabase(fromSchema));
    expect(migrated.length).toBeGreaterThan(100);
    await fromSchema.end();
    await owner.query('DROP DATABASE from_schema');
  });

  it('are applied once, by whoever comes first', async () => {
    const apply = () => migrateDatabase(test.ownerUrl, 'prisma/migrations');
    expect(await Promise.all([apply(), apply()])).toEqual([[], []]);
    const { rowCount } = await owner.query('SELECT 1 FROM installation');
    expect(rowCount).toBe(1);
  });
});

describe('contract 1: epochs come from one sequence', () => {
  it('gives growing epochs across sites and claims', async () => {
    await insertSite(owner as never, { isApplied: true }); // a Client is enough of a Pool for the factory
    await insertSite(owner as never, { isApplied: true });
    const first = await claimSite(test.worker.pool, 'w1', { ttlMs: 60_000, exclude: [] });
    const second = await claimSite(test.worker.pool, 'w1', { ttlMs: 60_000, exclude: [] });
    if (!first || !second) throw new Error('nothing was claimed');
    expect(second.siteId).not.toBe(first.siteId);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    await releaseLease(test.worker.pool, first);
    const again = await claimSite(test.worker.pool, 'w2', { ttlMs: 60_000, exclude: [] });
    expect(again?.siteId).toBe(first.siteId);
    expect(again?.epoch).toBeGreaterThan(second.epoch);
    for (const claim of [second, again]) if (claim) await releaseLease(test.worker.pool, claim);
    await owner.query('UPDATE site SET applied_revision = NULL');
  });
});

describe('contract 2: one fenced writer per stream', () => {
  it('refuses a stale writer and leaves its events out', async () => {
    const siteId = await insertSite(owner as never);
    const runId = await insertRun(owner as never, siteId, ['s1']);
    const old = await claimSite(test.worker.pool, 'w1', { ttlMs: 1, exclude: [] });
    if (old?.siteId !== siteId) throw new Error('claimed something else');
    await claimRun(test.worker, old, 'w1');
    await appendRunEvents(test.worker, { runId, epoch: old.epoch, events: [output(0)] });
    const next = await waitFor(() => claimSite(test.worker.pool, 'w2', { ttlMs: 60_000, exclude: [] }), {
      what: 'the lease to run out',
    });
    const run = await claimRun(test.worker, next, 'w2');
    expect(run?.previousEpoch).toBe(old.epoch);
    await expect(
      appendRunEvents(test.worker, { runId, epoch: old.epoch, events: [output(1)] }),
    ).rejects.toThrow(StaleEpochError);
    expect(await renewLease(test.worker.pool, old, 1_000)).toBe(false);
    await expect(withLease(test.worker.pool, old, async () => 'wrote')).rejects.toThrow(StaleEpochError);
    await expect(claimRun(test.worker, old, 'w1')).rejects.toThrow(StaleEpochError);
    const events = await readRunEvents(test.worker, runId, 0, 100);
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(events.map(({ body }) => body.type)).toEqual(['run.claimed', 'step.output', 'run.claimed']);
    const applied = async () =>
      (
        await owner.query<{ applied: number | null }>(
          'SELECT applied_revision AS applied FROM site WHERE id = $1',
          [siteId],
        )
      ).rows[0]?.applied;
    expect(await applied()).toBeNull();
    await appendRunEvents(test.worker, {
      runId,
      epoch: next.epoch,
      events: [],
      run: { state: 'done', finished: true },
    });
    // In the same transaction: a run that is done has its revision applied, whatever dies next.
    expect(await applied()).toBe(1);
    await owner.query('UPDATE site SET applied_revision = NULL');
    await releaseLease(test.worker.pool, next);
  });

  it('shows no change before every earlier transaction has ended, and then all of them in order', async () => {
    const start = await findChangeCursor(test.worker.pool);
    const slow = new Client({ connectionString: test.urlFor('siteplan_worker') });
    await slow.connect();
    await slow.query('BEGIN');
    await recordChange(slow, 'race', 'slow'); // takes the lower sequence number, commits last
    await recordChange(test.worker.pool, 'race', 'fast');
    expect(await readChanges(test.worker.pool, start, ['race'])).toEqual([]);
    await slow.query('COMMIT');
    await slow.end();
    const changes = await waitFor(
      async () => {
        const found = await readChanges(test.worker.pool, start, ['race']);
        return found.length === 2 && found;
      },
      { what: 'both changes' },
    );
    expect(changes.map(({ key }) => key)).toEqual(['slow', 'fast']);
  });

  it('loses and repeats nothing for a reader that follows while many writers commit in any order', async () => {
    const start = await findChangeCursor(test.worker.pool);
    const abort = new AbortController();
    const seen: string[] = [];
    const reader = (async () => {
      for await (const { key } of watchChanges(test.web, {
        topics: ['many'],
        after: start,
        signal: abort.signal,
      })) {
        seen.push(key);
        if (seen.length === 200) abort.abort();
      }
    })();
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let i = 0; i < 50; i += 1) {
        await test.worker.pool.query('SELECT pg_sleep(random() * 0.002)');
        await recordChange(test.worker.pool, 'many', `${writer}-${i}`);
      }
    });
    await Promise.all([...writers, reader]);
    expect(new Set(seen).size).toBe(200);
  });
});

describe('contract 6: one lease per site', () => {
  it('lets exactly one of many racing workers claim a site', async () => {
    const siteId = await insertSite(owner as never);
    await insertRun(owner as never, siteId, []);
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        claimSite(test.worker.pool, `w${i}`, { ttlMs: 60_000, exclude: [] }),
      ),
    );
    const won = claims.filter((claim) => claim?.siteId === siteId);
    expect(won).toHaveLength(1);
    for (const claim of won) if (claim) await releaseLease(test.worker.pool, claim);
    await owner.query(`UPDATE run SET state = 'done'`);
  });
});

describe('contract 8: grants are (user, site or all, role)', () => {
  it('takes one role per user and site, and a null site for all sites', async () => {
    const siteId = await insertSite(owner as never);
    await owner.query(
      `INSERT INTO "user" (id, name, email, updated_at) VALUES ('u1', 'U', 'u@example.com', now())`,
    );
    const grant = `INSERT INTO "grant" (id, user_id, site_id, role) VALUES ($1, 'u1', $2, 'viewer')`;
    await owner.query(grant, ['g1', siteId]);
    await expect(owner.query(grant, ['g2', siteId])).rejects.toThrow(/unique/);
    await owner.query(grant, ['g3', null]);
    await expect(owner.query(grant, ['g4', null])).rejects.toThrow(/unique/);
    await expect(
      owner.query(`INSERT INTO "grant" (id, user_id, site_id, role) VALUES ('g5', 'u1', $1, 'root')`, [
        siteId,
      ]),
    ).rejects.toThrow(/check/);
  });
});

describe('contract 9: packed telemetry', () => {
  it('holds one row per site and minute in partitions that drop whole', async () => {
    await owner.query(`SELECT ensure_site_minute_partition('2026-01-02')`);
    await owner.query(`SELECT ensure_site_minute_partition('2026-01-02')`);
    const insert = `INSERT INTO site_minute (site_id, minute, epoch, packed) VALUES ('x', '2026-01-02T03:04:00Z', 1, '\\x00')`;
    await test.worker.pool.query(insert);
    await expect(test.worker.pool.query(insert)).rejects.toThrow(/duplicate/);
    const { rows } = await test.worker.pool.query(
      `SELECT drop_site_minute_partitions('2026-01-03') AS dropped`,
    );
    expect(rows[0]?.dropped).toBe(1);
    const left = await owner.query('SELECT 1 FROM site_minute');
    expect(left.rowCount).toBe(0);
  });

  it('states a retention for every table of telemetry', async () => {
    const { rows } = await owner.query<{ name: string; comment: string | null }>(
      `SELECT relname AS name, obj_description(oid) AS comment FROM pg_class
        WHERE relname IN ('site_minute', 'site_now', 'change', 'run_event', 'job')`,
    );
    expect(rows).toHaveLength(5);
    for (const { name, comment } of rows) expect(comment, name).toMatch(/^retention: /);
  });
});
