import type { Pool } from 'pg';

export interface RateAnswer {
  readonly allowed: boolean;
  /** Seconds until the window ends. */
  readonly retryAfterS: number;
}

/**
 * Counts one use of `key` in a fixed window of `windowS` seconds and says whether it is within `limit` (S26). One
 * statement, so that any number of web processes count together; the clock is the database's.
 */
export async function takeFromRate(
  pool: Pool,
  { key, limit, windowS }: { key: string; limit: number; windowS: number },
): Promise<RateAnswer> {
  const { rows } = await pool.query<{ count: number; retry_after_s: number }>(
    `INSERT INTO rate_limit AS r (key, count, window_start) VALUES ($1, 1, now())
     ON CONFLICT (key) DO UPDATE SET
       count = CASE WHEN r.window_start < now() - $2 * interval '1 s' THEN 1 ELSE r.count + 1 END,
       window_start = CASE WHEN r.window_start < now() - $2 * interval '1 s' THEN now() ELSE r.window_start END
     RETURNING count, GREATEST(1, ceil(extract(epoch FROM window_start + $2 * interval '1 s' - now())))::int AS retry_after_s`,
    [key, windowS],
  );
  const row = rows[0] ?? { count: 1, retry_after_s: windowS };
  return { allowed: row.count <= limit, retryAfterS: row.retry_after_s };
}
