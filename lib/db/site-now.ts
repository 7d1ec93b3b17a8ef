import type { Pool } from 'pg';
import type { SiteNowBody } from '@/lib/health/site-now';
import { recordChange } from './change-feed';
import { withLease, type SiteClaim } from './site-lease';

/** Writes what is known of a site now, fenced by its lease; throws StaleEpochError for an old epoch. */
export async function storeSiteNow(pool: Pool, claim: SiteClaim, body: SiteNowBody): Promise<void> {
  await withLease(pool, claim, async (tx) => {
    await tx.query(
      `INSERT INTO site_now (site_id, seq, epoch, body) VALUES ($1, 1, $2, $3)
       ON CONFLICT (site_id) DO UPDATE SET seq = site_now.seq + 1, epoch = $2, body = $3, updated_at = now()`,
      [claim.siteId, claim.epoch, JSON.stringify(body)],
    );
    await recordChange(tx, 'site-now', claim.siteId);
  });
}

/** Writes one packed minute; a minute that another epoch wrote already stays. */
export async function storeSiteMinute(
  pool: Pool,
  claim: SiteClaim,
  minute: Date,
  packed: Buffer,
): Promise<void> {
  await withLease(pool, claim, (tx) =>
    tx.query(
      `INSERT INTO site_minute (site_id, minute, epoch, packed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
      [claim.siteId, minute, claim.epoch, packed],
    ),
  );
}
