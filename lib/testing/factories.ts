import type { Pool } from 'pg';
import { SiteId } from '@/lib/core/ids';
import type { Queryable } from '@/lib/db/connect';
import type { NodeFacts } from '@/lib/health/facts';
import type { Plan } from '@/lib/plan/plan';
import type { PreflightResult } from '@/lib/run/job-view';

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

/** A plan as a worker stores it, of the facts that it was made from; its body is what is given, which need not be a whole plan. */
export async function insertPlan(
  db: Queryable,
  plan: { readonly id: string; readonly siteId: string } & Partial<
    Pick<Plan, 'kind' | 'revision' | 'factsHash'>
  >,
  facts: readonly NodeFacts[] = [],
): Promise<void> {
  const { id, siteId, kind = 'apply', revision = 1, factsHash = '' } = plan;
  await db.query(
    `INSERT INTO plan (id, site_id, kind, revision, facts_hash, body, facts, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'test')`,
    [id, siteId, kind, revision, factsHash, JSON.stringify(plan), JSON.stringify(facts)],
  );
}

/** A queued run of `stepIds` on the site, of a plan without a step. */
export async function insertRun(pool: Pool, siteId: string, stepIds: readonly string[]): Promise<string> {
  const planId = nextId('plan');
  const runId = nextId('run');
  await insertPlan(pool, { id: planId, siteId });
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

/** A finished preflight of all hosts of a revision, as a worker stores it; every cell is ok unless the options say otherwise. */
export async function insertPreflight(
  db: Queryable,
  siteId: string,
  options: Partial<PreflightResult> = {},
): Promise<string> {
  const { revision = 1, ...rest } = options;
  const id = nextId('job');
  const scope = { nodeIds: null, checkIds: null };
  const takenAt = new Date(0).toISOString();
  const result = { revision, scope, cells: [], links: [], unreachable: [], notes: [], takenAt, ...rest };
  const only = { nodeIds: result.scope.nodeIds ?? undefined, checkIds: result.scope.checkIds ?? undefined };
  await db.query(
    `INSERT INTO job (id, site_id, kind, params, state, result, created_by, created_at, finished_at)
     VALUES ($1, $2, 'preflight', $3, 'done', $4, 'test', clock_timestamp(), clock_timestamp())`,
    [id, siteId, JSON.stringify({ kind: 'preflight', revision, ...only }), JSON.stringify(result)],
  );
  return id;
}
