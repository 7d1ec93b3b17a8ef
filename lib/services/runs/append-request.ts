import { RUN_EVENT_CHANNEL } from '@/lib/db/run-log';
import { WORK_CHANNEL } from '@/lib/db/site-lease';
import type { RunEventBody } from '@/lib/run/run-event';
import type { Transaction } from '../transact';

/**
 * Writes what a person asked of a run into its log. The update of `last_seq` takes the row's lock, under which the worker
 * takes its numbers too, so the sequence stays whole; the event carries the epoch that holds the run and claims nothing.
 */
export async function appendRequest(tx: Transaction, runId: string, event: RunEventBody): Promise<void> {
  await tx.sql.query(
    `WITH taken AS (UPDATE run SET last_seq = last_seq + 1 WHERE id = $1 RETURNING last_seq, epoch, site_id),
          written AS (INSERT INTO run_event (run_id, seq, epoch, type, body)
                      SELECT $1, last_seq, epoch, $2, $3 FROM taken RETURNING 1)
     SELECT pg_notify('${RUN_EVENT_CHANNEL}', $1)::text, pg_notify('${WORK_CHANNEL}', taken.site_id)::text
       FROM taken, written`,
    [runId, event.type, JSON.stringify(event)],
  );
  await tx.changed('run', runId);
}
