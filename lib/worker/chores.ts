import { setTimeout as delay } from 'node:timers/promises';
import { withConnection } from '@/lib/db/connect';
import { failOldJobs } from '@/lib/db/jobs';
import { LOCKS } from '@/lib/db/locks';
import { pruneEnded, pruneRuns } from '@/lib/db/retention';
import type { WorkerContext } from './worker-context';

const EVERY_MS = 60_000;
const MINUTES_KEPT_DAYS = 14;

async function doChores({ db, signal }: Pick<WorkerContext, 'db' | 'signal'>): Promise<void> {
  await withConnection(db.pool, async (client) => {
    const { rows } = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1) AS got', [
      LOCKS.chores,
    ]);
    if (!rows[0]?.got) return;
    try {
      await client.query(
        `SELECT ensure_site_minute_partition(today), ensure_site_minute_partition(today + 1),
                drop_site_minute_partitions(today - $1::int)
           FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS days`,
        [MINUTES_KEPT_DAYS],
      );
      await failOldJobs(db.pool);
      await pruneEnded(db.pool, signal);
      await pruneRuns(db.pool, signal);
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [LOCKS.chores]);
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
