import { pruneChanges } from '@/lib/db/change-feed';
import { withConnection } from '@/lib/db/connect';
import { failOldJobs } from '@/lib/db/jobs';
import type { WorkerContext } from './worker-context';

const EVERY_MS = 60_000;
/** Any worker may do the chores, one at a time; any number that nobody else uses on this database. */
const CHORES_LOCK = 7_321_006;
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
        `SELECT ensure_site_minute_partition(current_date), ensure_site_minute_partition(current_date + 1),
                drop_site_minute_partitions(current_date - $1::int)`,
        [MINUTES_KEPT_DAYS],
      );
      await pruneChanges(db.pool);
      await failOldJobs(db.pool);
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
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, EVERY_MS);
      signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
    });
  }
}
