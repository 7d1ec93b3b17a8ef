import type { Pool } from 'pg';
import { SiteId } from '@/lib/core/ids';
import { inTransaction } from './connect';
import { StaleEpochError } from './errors';

/** Channel of the nudge that a site has work: a queued run, a cancel, a first topology. */
export const WORK_CHANNEL = 'siteplan_work';

export interface SiteClaim {
  readonly siteId: SiteId;
  readonly epoch: bigint;
}

/**
 * Claims one site that has something to do and no living owner: a queued or running run, or an applied revision to
 * watch. Runs come in the order in which they were filed, so none starves (reliability I5). The epoch comes from the
 * one sequence (contract 1); times are the database's. Null when there is nothing.
 *
 *   free ──claim──▶ held (epoch n, until t) ──renew──▶ held (epoch n, until t')
 *     ▲                 │ t passes or release                │
 *     └─────────────────┴──────────── claim by anyone: epoch n+k
 */
export async function claimSite(
  pool: Pool,
  holder: string,
  options: { ttlMs: number; exclude: readonly string[] },
): Promise<SiteClaim | null> {
  const { rows } = await pool.query<{ site_id: string; epoch: string }>(
    `UPDATE site_lease SET holder = $1, epoch = nextval('epoch_seq'), lease_until = now() + $2 * interval '1 ms'
      WHERE site_id = (
        SELECT l.site_id FROM site_lease l JOIN site s ON s.id = l.site_id
          LEFT JOIN run r ON r.site_id = l.site_id AND r.state IN ('queued', 'running')
         WHERE (l.lease_until IS NULL OR l.lease_until < now())
           AND l.site_id <> ALL($3)
           AND (r.id IS NOT NULL OR s.applied_revision IS NOT NULL AND s.deleted_at IS NULL)
         ORDER BY r.created_at NULLS LAST, r.id, l.lease_until NULLS FIRST
         FOR UPDATE OF l SKIP LOCKED LIMIT 1)
      RETURNING site_id, epoch::text AS epoch`,
    [holder, options.ttlMs, options.exclude],
  );
  const row = rows[0];
  return row ? { siteId: SiteId.parse(row.site_id), epoch: BigInt(row.epoch) } : null;
}

/** Extends the lease; false when it belongs to a newer epoch (then everything of the old one must stop). */
export async function renewLease(pool: Pool, claim: SiteClaim, ttlMs: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE site_lease SET lease_until = now() + $3 * interval '1 ms' WHERE site_id = $1 AND epoch = $2`,
    [claim.siteId, claim.epoch, ttlMs],
  );
  return rowCount === 1;
}

/** Gives the site back, so that the next worker need not wait for the lease to run out. */
export async function releaseLease(pool: Pool, claim: SiteClaim): Promise<void> {
  await pool.query(
    `UPDATE site_lease SET holder = NULL, lease_until = NULL WHERE site_id = $1 AND epoch = $2`,
    [claim.siteId, claim.epoch],
  );
}

/**
 * Writes under a site's lease (site_now, facts, site_minute): runs `work` in a transaction that holds the lease row
 * shared, so that no newer epoch can begin before it commits. Throws StaleEpochError for an old epoch.
 */
export async function withLease<T>(
  pool: Pool,
  claim: SiteClaim,
  work: (tx: Parameters<Parameters<typeof inTransaction<T>>[1]>[0]) => Promise<T>,
): Promise<T> {
  return inTransaction(pool, async (tx) => {
    const { rowCount } = await tx.query(
      'SELECT 1 FROM site_lease WHERE site_id = $1 AND epoch = $2 FOR SHARE',
      [claim.siteId, claim.epoch],
    );
    if (!rowCount) throw new StaleEpochError(`site ${claim.siteId}`);
    return work(tx);
  });
}
