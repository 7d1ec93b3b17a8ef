import type { Pool } from 'pg';
import type { Failure } from '@/lib/core/failure';
import type { JobKind } from '@/lib/run/job-view';
import { recordChange } from './change-feed';
import { inTransaction, type Queryable } from './connect';
import { StaleEpochError } from './errors';

/** Jobs older than this are not started (again): somebody waited long enough, and a job that kills workers ends. */
const MAX_AGE = `interval '30 minutes'`;

export interface ClaimedJob {
  readonly id: string;
  readonly siteId: string | null;
  readonly kind: JobKind;
  readonly params: unknown;
  readonly createdBy: string;
  readonly epoch: bigint;
}

/**
 * Claims one queued job, or one whose worker died: jobs only read, so doing one twice harms nothing, and the epoch
 * lets only the last worker write a result. Null when there is none.
 */
export async function claimJob(pool: Pool, holder: string, ttlMs: number): Promise<ClaimedJob | null> {
  const { rows } = await pool.query<{
    id: string;
    site_id: string | null;
    kind: JobKind;
    params: unknown;
    created_by: string;
    epoch: string;
  }>(
    `UPDATE job SET state = 'running', holder = $1, epoch = nextval('epoch_seq'),
            lease_until = now() + $2 * interval '1 ms'
      WHERE id = (SELECT id FROM job
                   WHERE (state = 'queued' OR state = 'running' AND lease_until < now())
                     AND created_at > now() - ${MAX_AGE}
                   ORDER BY created_at, id FOR UPDATE SKIP LOCKED LIMIT 1)
      RETURNING id, site_id, kind, params, created_by, epoch::text AS epoch`,
    [holder, ttlMs],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    id: row.id,
    siteId: row.site_id,
    kind: row.kind,
    params: row.params,
    createdBy: row.created_by,
    epoch: BigInt(row.epoch),
  };
}

/** Extends the lease of a running job; false when somebody else has it now. */
export async function renewJob(pool: Pool, job: ClaimedJob, ttlMs: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE job SET lease_until = now() + $3 * interval '1 ms' WHERE id = $1 AND epoch = $2 AND state = 'running'`,
    [job.id, job.epoch, ttlMs],
  );
  return rowCount === 1;
}

type JobPatch =
  | { readonly progress: string }
  | { readonly state: 'done'; readonly result: unknown }
  | { readonly state: 'failed'; readonly failure: Failure };

/** Writes progress or the end of a job, fenced by its epoch; throws StaleEpochError when it has another owner. */
export async function updateJob(pool: Pool, job: ClaimedJob, patch: JobPatch): Promise<void> {
  const isEnd = 'state' in patch;
  await inTransaction(pool, async (tx) => {
    const { rowCount } = await tx.query(
      `UPDATE job SET state = $3, progress = $4, result = $5, failure = $6,
              finished_at = CASE WHEN $7 THEN now() END, lease_until = CASE WHEN $7 THEN NULL ELSE lease_until END
        WHERE id = $1 AND epoch = $2 AND state = 'running'`,
      [
        job.id,
        job.epoch,
        isEnd ? patch.state : 'running',
        'progress' in patch ? patch.progress : '',
        isEnd && patch.state === 'done' ? JSON.stringify(patch.result ?? null) : null,
        isEnd && patch.state === 'failed' ? JSON.stringify(patch.failure) : null,
        isEnd,
      ],
    );
    if (!rowCount) throw new StaleEpochError(`job ${job.id}`);
    await recordChange(tx, 'job', job.id);
  });
}

/**
 * Writes what a job found (facts, plans, host keys) under its epoch: `work` runs in a transaction that holds the job's
 * row shared, so that no newer epoch can begin before it commits. Throws StaleEpochError, having changed nothing, when
 * somebody else has the job.
 */
export async function withJob<T>(
  pool: Pool,
  job: ClaimedJob,
  work: (tx: Queryable) => Promise<T>,
): Promise<T> {
  return inTransaction(pool, async (tx) => {
    const { rowCount } = await tx.query(
      `SELECT 1 FROM job WHERE id = $1 AND epoch = $2 AND state = 'running' FOR SHARE`,
      [job.id, job.epoch],
    );
    if (!rowCount) throw new StaleEpochError(`job ${job.id}`);
    return work(tx);
  });
}

/** Ends jobs that nobody took in time. */
export async function failOldJobs(pool: Pool): Promise<void> {
  const failure: Failure = {
    code: 'internal',
    message: 'No worker finished this in 30 minutes.',
    nextAction: 'Check that a worker is running, then start it again.',
  };
  await inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ id: string }>(
      `UPDATE job SET state = 'failed', failure = $1, finished_at = now()
        WHERE state IN ('queued', 'running') AND created_at < now() - ${MAX_AGE}
          AND (lease_until IS NULL OR lease_until < now()) RETURNING id`,
      [JSON.stringify(failure)],
    );
    for (const { id } of rows) await recordChange(tx, 'job', id);
  });
}
