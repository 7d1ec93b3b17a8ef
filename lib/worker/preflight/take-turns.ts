import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@/lib/core/errors';
import { withConnection } from '@/lib/db/connect';
import { LOCKS } from '@/lib/db/locks';
import type { JobContext } from '../jobs/job-context';

const POLL_MS = 250;
/** A preflight of many slow hosts takes minutes; one that hangs longer is told to the person who waits. */
const PATIENCE_MS = 5 * 60_000;

/**
 * Does `work` while no other preflight of the site goes on, on this worker or another: they would find each other's
 * listeners on the ports. Rejects with an AppError when the other does not end, or with the reason of the job's signal.
 */
export async function takeTurns<T>(
  job: Pick<JobContext, 'db' | 'siteId' | 'signal' | 'progress'>,
  work: () => Promise<T>,
): Promise<T> {
  return withConnection(job.db.pool, async (client) => {
    const lock = [LOCKS.preflight, job.siteId];
    const deadline = Date.now() + PATIENCE_MS;
    for (let tries = 0; ; tries += 1) {
      const { rows } = await client.query<{ got: boolean }>(
        'SELECT pg_try_advisory_lock($1, hashtext($2)) AS got',
        lock,
      );
      if (rows[0]?.got) break;
      if (tries === 0) await job.progress('waiting for another preflight of this site');
      if (Date.now() > deadline)
        throw new AppError('conflict', 'Another preflight of this site has gone on for over five minutes.');
      await delay(POLL_MS, undefined, { signal: job.signal });
    }
    try {
      return await work();
    } finally {
      await client.query('SELECT pg_advisory_unlock($1, hashtext($2))', lock);
    }
  });
}
