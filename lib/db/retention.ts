import type { Pool } from 'pg';
import { RUN_LIMITS } from '@/lib/run/limits';
import { recordChange } from './change-feed';
import { inTransaction, type Queryable } from './connect';

/*
 * History is bounded (reliability I12), and nothing of it may hold up a claim: rows go in small transactions of their own,
 * none of which locks a run or site that anybody may take. A run goes in three moves, so that it never shows half a log:
 *
 *   kept ──mark──▶ log dropped (its events go, some at a time) ──▶ row gone, counted in history_cut
 */

/** Rows of one transaction; an event holds up to some ten KiB. */
const BATCH = 500;
/** Transactions of one round of chores: a backlog is worked off over rounds, not at once. */
const MAX_BATCHES = 200;

export interface RetentionLimits {
  readonly maxRunsKept: number;
  readonly maxLogBytesKept: number;
}

/** Repeats a bounded delete until it finds less than a whole batch; returns how many rows went. */
async function inBatches(deleteSome: () => Promise<number>, signal: AbortSignal): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch += 1) {
    const count = await deleteSome();
    total += count;
    if (count < BATCH) break;
  }
  return total;
}

async function countRows(db: Queryable, sql: string): Promise<number> {
  const { rowCount } = await db.query(sql, [BATCH]);
  return rowCount ?? 0;
}

/** Rows whose time is over, by table; each statement takes at most $1 rows. */
const ENDED = [
  `DELETE FROM change WHERE seq IN
     (SELECT seq FROM change WHERE at < now() - interval '1 hour' ORDER BY at LIMIT $1)`,
  `DELETE FROM rate_limit WHERE key IN
     (SELECT key FROM rate_limit WHERE window_start < now() - interval '1 day' LIMIT $1)`,
  `DELETE FROM job WHERE id IN (SELECT id FROM job WHERE finished_at < now() - interval '30 days' LIMIT $1)`,
  `DELETE FROM plan WHERE id IN
     (SELECT p.id FROM plan p WHERE p.created_at < now() - interval '30 days'
         AND NOT EXISTS (SELECT 1 FROM run WHERE run.plan_id = p.id) LIMIT $1)`,
];

/** Drops what is older than its table keeps: changes, rate windows, jobs, plans without runs, ended sessions and links. */
export async function pruneEnded(pool: Pool, signal: AbortSignal): Promise<void> {
  for (const sql of ENDED) await inBatches(() => countRows(pool, sql), signal);
  await inBatches(async () => {
    const { rows } = await pool.query<{ gone: number }>('SELECT drop_ended_sign_ins($1) AS gone', [BATCH]);
    return rows[0]?.gone ?? 0;
  }, signal);
}

/**
 * Marks the logs that are no longer kept: of ended runs beyond `maxRunsKept`, and of the oldest whose logs together with
 * all newer ones are more than `maxLogBytesKept`. The newest ended run keeps its log, however long. A run that somebody
 * takes up again meanwhile is passed by, because the row is locked and looked at again.
 */
export async function markOldLogs(pool: Pool, limits: RetentionLimits): Promise<number> {
  return inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ id: string }>(
      `WITH ranked AS (SELECT id, row_number() OVER newest AS place, sum(log_bytes) OVER newest AS bytes
                         FROM run WHERE state NOT IN ('queued', 'running')
                       WINDOW newest AS (ORDER BY created_at DESC, id DESC)),
            old AS (SELECT id FROM run
                     WHERE id IN (SELECT id FROM ranked WHERE place > $1 OR (bytes > $2 AND place > 1))
                       AND log_dropped_at IS NULL AND state NOT IN ('queued', 'running')
                     ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED)
       UPDATE run SET log_dropped_at = now() FROM old WHERE run.id = old.id RETURNING run.id`,
      [limits.maxRunsKept, limits.maxLogBytesKept, BATCH],
    );
    for (const { id } of rows) await recordChange(tx, 'run', id);
    return rows.length;
  });
}

/** Drops at most `BATCH` events of one marked run; 0 when none is left. */
export async function dropRunEvents(db: Queryable, runId: string): Promise<number> {
  const { rows } = await db.query<{ gone: number }>('SELECT drop_run_events($1, $2) AS gone', [runId, BATCH]);
  return rows[0]?.gone ?? 0;
}

async function listMarked(pool: Pool, where: string, values: unknown[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM run WHERE log_dropped_at IS NOT NULL AND ${where} ORDER BY created_at LIMIT ${BATCH}`,
    values,
  );
  return rows.map(({ id }) => id);
}

/** Takes a marked run without events away and counts it, in one transaction. */
async function dropRun(pool: Pool, runId: string): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ created_at: Date }>(
      `DELETE FROM run WHERE id = $1 AND log_dropped_at IS NOT NULL AND state NOT IN ('queued', 'running')
       RETURNING created_at`,
      [runId],
    );
    const [row] = rows;
    if (!row) return;
    await tx.query(
      `INSERT INTO history_cut AS h (topic, dropped, newest_at) VALUES ('run', 1, $1)
       ON CONFLICT (topic) DO UPDATE SET dropped = h.dropped + 1, newest_at = GREATEST(h.newest_at, $1)`,
      [row.created_at],
    );
  });
}

/** Keeps the history of runs within its limits; what is left of a backlog goes in the next round. */
export async function pruneRuns(
  pool: Pool,
  signal: AbortSignal,
  limits: RetentionLimits = RUN_LIMITS,
): Promise<void> {
  await inBatches(() => markOldLogs(pool, limits), signal);
  const withEvents = 'EXISTS (SELECT 1 FROM run_event e WHERE e.run_id = run.id)';
  for (const runId of await listMarked(pool, withEvents, []))
    await inBatches(() => dropRunEvents(pool, runId), signal);
  const beyond = `NOT ${withEvents} AND id IN
    (SELECT id FROM run WHERE state NOT IN ('queued', 'running') ORDER BY created_at DESC, id DESC OFFSET $1)`;
  for (const runId of await listMarked(pool, beyond, [limits.maxRunsKept])) {
    if (signal.aborted) return;
    await dropRun(pool, runId);
  }
}
