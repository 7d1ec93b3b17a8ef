import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { insertRun, insertSite } from '@/lib/testing/factories';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { connectDatabase, type Database } from './connect';
import { stopListening } from './listen';
import { dropRunEvents, markOldLogs, pruneEnded, pruneRuns } from './retention';
import { appendRunEvents, claimRun, readRunEvents } from './run-log';
import { claimSite } from './site-lease';

/* Reliability I12: history is bounded, what was cut is counted, and none of it holds up a claim. */

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
beforeEach(async () => {
  await owner.query('DELETE FROM run');
  await owner.query('DELETE FROM history_cut');
});

const signal = new AbortController().signal;
const KEEP_ALL = { maxRunsKept: 1_000, maxLogBytesKept: 1_000_000_000 };
const EVENTS = 1_200;

/** A run that ended `ageDays` ago with 1,200 events of ten bytes each. */
async function endedRun(siteId: string, ageDays: number): Promise<string> {
  const runId = await insertRun(owner as never, siteId, ['s1']); // a Client is enough of a Pool for the factory
  await owner.query(
    `UPDATE run SET state = 'done', created_at = now() - $2 * interval '1 day', finished_at = now(),
            last_seq = $3, log_bytes = $3 * 10 WHERE id = $1`,
    [runId, ageDays, EVENTS],
  );
  await owner.query(
    `INSERT INTO run_event (run_id, seq, epoch, type, body)
     SELECT $1, n, 1, 'run.queued', '{"type":"run.queued","by":"x","steps":1}' FROM generate_series(1, $2::int) AS n`,
    [runId, EVENTS],
  );
  return runId;
}
async function countEvents(runId: string): Promise<number> {
  const { rows } = await owner.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM run_event WHERE run_id = $1',
    [runId],
  );
  return rows[0]?.n ?? 0;
}
async function listRuns(): Promise<{ id: string; isDropped: boolean }[]> {
  const { rows } = await owner.query<{ id: string; isDropped: boolean }>(
    `SELECT id, log_dropped_at IS NOT NULL AS "isDropped" FROM run ORDER BY created_at`,
  );
  return rows;
}

describe('retention of runs', () => {
  it('takes the oldest beyond the number kept, with their logs, and counts them', async () => {
    const siteId = await insertSite(owner as never);
    const [, middle, newest] = [
      await endedRun(siteId, 3),
      await endedRun(siteId, 2),
      await endedRun(siteId, 1),
    ];
    const waiting = await insertRun(owner as never, siteId, ['s1']);
    await pruneRuns(test.worker.pool, signal, { ...KEEP_ALL, maxRunsKept: 2 });
    expect(await listRuns()).toEqual([middle, newest, waiting].map((id) => ({ id, isDropped: false })));
    expect(await countEvents(newest)).toBe(EVENTS);
    await pruneRuns(test.worker.pool, signal, { ...KEEP_ALL, maxRunsKept: 1 });
    expect(await listRuns()).toEqual([newest, waiting].map((id) => ({ id, isDropped: false })));
    const { rows } = await owner.query(
      `SELECT topic, dropped::int AS dropped, newest_at < now() - interval '1.9 days' AS "isOld" FROM history_cut`,
    );
    expect(rows).toEqual([{ topic: 'run', dropped: 2, isOld: true }]);
  });

  it('drops the oldest logs beyond the bytes kept, and leaves the runs with a mark', async () => {
    const siteId = await insertSite(owner as never);
    const [old, newest] = [await endedRun(siteId, 2), await endedRun(siteId, 1)];
    await pruneRuns(test.worker.pool, signal, { ...KEEP_ALL, maxLogBytesKept: EVENTS * 10 + 5 });
    expect(await listRuns()).toEqual([
      { id: old, isDropped: true },
      { id: newest, isDropped: false },
    ]);
    expect([await countEvents(old), await countEvents(newest)]).toEqual([0, EVENTS]);
    expect((await owner.query('SELECT 1 FROM history_cut')).rowCount).toBe(0);
    // The newest log stays, however long it is.
    await pruneRuns(test.worker.pool, signal, { ...KEEP_ALL, maxLogBytesKept: 1 });
    expect(await countEvents(newest)).toBe(EVENTS);
  });

  it('passes by a run that somebody is taking up again', async () => {
    const siteId = await insertSite(owner as never);
    const [old] = [await endedRun(siteId, 2), await endedRun(siteId, 1)];
    await owner.query('BEGIN');
    await owner.query('SELECT 1 FROM run WHERE id = $1 FOR UPDATE', [old]);
    expect(await markOldLogs(test.worker.pool, { ...KEEP_ALL, maxRunsKept: 0 })).toBe(1);
    await owner.query(`UPDATE run SET state = 'queued' WHERE id = $1`, [old]);
    await owner.query('COMMIT');
    expect(await markOldLogs(test.worker.pool, { ...KEEP_ALL, maxRunsKept: 0 })).toBe(0);
    expect(await countEvents(old)).toBe(EVENTS);
  });

  it('goes in bounded batches, and only for what is over and marked', async () => {
    const siteId = await insertSite(owner as never);
    const runId = await endedRun(siteId, 1);
    const drop = async (most: number) =>
      (await test.worker.pool.query<{ n: number }>('SELECT drop_run_events($1, $2) AS n', [runId, most]))
        .rows[0]?.n;
    expect(await drop(10)).toBe(0); // not marked
    await owner.query(`UPDATE run SET log_dropped_at = now(), state = 'running' WHERE id = $1`, [runId]);
    expect(await drop(10)).toBe(0); // not over
    await owner.query(`UPDATE run SET state = 'done' WHERE id = $1`, [runId]);
    expect([await drop(10), await drop(-1), await drop(1_000_000)]).toEqual([10, 0, 1_000]);
    expect(await dropRunEvents(test.worker.pool, runId)).toBe(EVENTS - 1_010);
    await expect(test.web.pool.query('SELECT drop_run_events($1, 1)', [runId])).rejects.toThrow(
      /permission denied/,
    );
    await expect(test.worker.pool.query('DELETE FROM run_event')).rejects.toThrow(/permission denied/);
  });
});

describe('a batch that is held open', () => {
  let impatient: Database;
  beforeAll(() => {
    const url = new URL(test.urlFor('siteplan_worker'));
    url.searchParams.set('options', '-c lock_timeout=2000');
    impatient = connectDatabase(url.toString(), 'siteplan_worker', { maxConnections: 2 });
  });
  afterAll(async () => {
    await stopListening(impatient);
    await impatient.close();
  });

  it('blocks no claim, no event and no new run of its site', async ({ onTestFinished }) => {
    const siteId = await insertSite(owner as never);
    const old = await endedRun(siteId, 2);
    const waiting = await insertRun(owner as never, siteId, ['s1']);
    const batch = new Client({ connectionString: test.urlFor('siteplan_worker') });
    await batch.connect();
    onTestFinished(() => batch.end());
    await batch.query('BEGIN');
    await batch.query('UPDATE run SET log_dropped_at = now() WHERE id = $1', [old]);
    expect(await dropRunEvents(batch, old)).toBe(500);

    const lease = await claimSite(impatient.pool, 'w', { ttlMs: 60_000, exclude: [] });
    expect(lease?.siteId).toBe(siteId);
    if (!lease) throw new Error('nothing was claimed');
    const run = await claimRun(impatient, lease, 'w');
    expect(run?.runId).toBe(waiting);
    await appendRunEvents(impatient, {
      runId: waiting,
      epoch: lease.epoch,
      events: [{ type: 'run.finished', state: 'failed', failure: null }],
      run: { state: 'failed', finished: true },
    });
    await insertRun(impatient.pool, siteId, ['s1']);
    expect((await readRunEvents(impatient, waiting, 0, 10)).map(({ body }) => body.type)).toEqual([
      'run.claimed',
      'run.finished',
    ]);
    await batch.query('COMMIT');
    expect(await countEvents(old)).toBe(EVENTS - 500);
  });
});

describe('what has ended', () => {
  it('goes after its time: sessions, one-time links, rate windows, changes, jobs and plans', async () => {
    await owner.query(`INSERT INTO "user" (id, name, email) VALUES ('u-old', 'x', 'old@example.net')`);
    for (const [name, age] of [
      ['old', '40 days'],
      ['new', '-1 hours'],
    ] as const) {
      await owner.query(
        `INSERT INTO session (id, token, user_id, expires_at) VALUES ($1, $1, 'u-old', now() - $2::interval)`,
        [name, age],
      );
      await owner.query(
        `INSERT INTO verification (id, identifier, value, expires_at) VALUES ($1, $1, $1, now() - $2::interval)`,
        [name, age],
      );
      await owner.query(
        `INSERT INTO rate_limit (key, count, window_start) VALUES ($1, 1, now() - $2::interval)`,
        [name, age],
      );
      await owner.query(`INSERT INTO change (topic, key, at) VALUES ('kept', $1, now() - $2::interval)`, [
        name,
        age,
      ]);
      const siteId = await insertSite(owner as never);
      await owner.query(
        `INSERT INTO job (id, site_id, kind, params, created_by, finished_at)
         VALUES ($1, $2, 'scan', '{}', 'x', now() - $3::interval)`,
        [name, siteId, age],
      );
      await owner.query(
        `INSERT INTO plan (id, site_id, kind, revision, facts_hash, body, facts, created_by, created_at)
         VALUES ($1, $2, 'apply', 1, '', '{}', '[]', 'x', now() - $3::interval)`,
        [name, siteId, age],
      );
    }
    await expect(test.worker.pool.query('SELECT 1 FROM session')).rejects.toThrow(/permission denied/);
    await pruneEnded(test.worker.pool, signal);
    for (const [table, column] of [
      ['session', 'id'],
      ['verification', 'id'],
      ['rate_limit', 'key'],
      ['change', 'key'],
      ['job', 'id'],
      ['plan', 'id'],
    ]) {
      const { rows } = await owner.query<{ name: string }>(
        `SELECT ${column} AS name FROM ${table} WHERE ${column} IN ('old', 'new')`,
      );
      expect(rows, table).toEqual([{ name: 'new' }]);
    }
  });
});
