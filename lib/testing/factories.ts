import type { Pool } from 'pg';
import { SiteId } from '@/lib/core/ids';

let counter = 0;

/** A fresh opaque id; unique within the test process. */
export function nextId(prefix: string): string {
  counter += 1;
  return `${prefix}-${process.pid.toString(36)}${counter.toString(36).padStart(4, '0')}`;
}

/** A site row with its lease row; `isApplied` makes it a site that workers watch. */
export async function insertSite(pool: Pool, options: { isApplied?: boolean } = {}): Promise<SiteId> {
  const id = SiteId.parse(nextId('site'));
  await pool.query(`INSERT INTO site (id, name, created_by, applied_revision) VALUES ($1, $1, 'test', $2)`, [
    id,
    options.isApplied ? 1 : null,
  ]);
  await pool.query('INSERT INTO site_lease (site_id) VALUES ($1)', [id]);
  return id;
}

/** A queued run of `stepIds` on the site, with an empty plan body. */
export async function insertRun(pool: Pool, siteId: string, stepIds: readonly string[]): Promise<string> {
  const planId = nextId('plan');
  const runId = nextId('run');
  await pool.query(
    `INSERT INTO plan (id, site_id, kind, revision, facts_hash, body, facts, created_by)
     VALUES ($1, $2, 'apply', 1, '', '{}', '[]', 'test')`,
    [planId, siteId],
  );
  await pool.query(
    `INSERT INTO run (id, site_id, plan_id, steps, created_by) VALUES ($1, $2, $3, $4, 'test')`,
    [runId, siteId, planId, stepIds.length],
  );
  for (const [ordinal, stepId] of stepIds.entries()) {
    await pool.query('INSERT INTO run_step (run_id, step_id, ordinal) VALUES ($1, $2, $3)', [
      runId,
      stepId,
      ordinal,
    ]);
  }
  return runId;
}
