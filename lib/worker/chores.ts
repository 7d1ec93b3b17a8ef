import { setTimeout as delay } from 'node:timers/promises';
import { pruneChanges } from '@/lib/db/change-feed';
import { withConnection } from '@/lib/db/connect';
import { failOldJobs } from '@/lib/db/jobs';
import type { WorkerContext } from './worker-context';

const EVERY_MS = 60_000;
/** Any worker may do the chores, one at a time; any number that nobody else uses on this database. */
const CHORES_LOCK = 7_321_007;
const MINUTES_KEPT_DAYS = 14;
const RUNS_KEPT = 10_000;

async function doChores({ db }: WorkerContext): Promise<void> {
  await withConnection(db.pool, async (client) => {
    const { rows } = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1) AS got', [
      CHORES_LOCK,
    ]);
    if (!rows[0]?.got) return;
    try {
      await client.query(
        `SELECT ensure_site_minute_partition(today), ensure_site_minute_partition(today + 1),
                drop_site_minute_partitions(today - $1::int)
           FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS days`,
        [MINUTES_KEPT_DAYS],
      );
      await pruneChanges(db.pool);
      await failOldJobs(db.pool);
      await client.query(`DELETE FROM rate_limit WHERE window_start < now() - interval '1 day'`);
      await client.query(
        `DELETE FROM plan WHERE created_at < now() - interval '30 days'
            AND NOT EXISTS (SELECT 1 FROM run WHERE run.plan_id = plan.id)`,
      );
      await client.query(`DELETE FROM job WHERE finished_at < now() - interval '30 days'`);
      await client.query(
        `DELETE FROM run WHERE id IN (SELECT id FROM run WHERE finished_at IS NOT NULL
          ORDER BY created_at DESC OFFSET $1 LIMIT 100)`,
        [RUNS_KEPT],
      );
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [CHORES_LOCK]);
    }
  });
}

/** Partitions ahead, retention behind, once a minute until the worker stops. */
export async function runChores(context: WorkerContext): Promise<void> {
  const { signal, log } = context;
  while (!signal.aborted) {
    await doChores(context).catch((error: unknown) => log.warn({ err: error }, 'chores failed'));
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined); // a stop ends the wait
  }
}
