import { recordChange } from '@/lib/db/change-feed';
import type { Queryable } from '@/lib/db/connect';
import type { NodeFacts } from '@/lib/health/facts';
import type { Plan } from '@/lib/plan/plan';
import type { JobContext } from './job-context';

/**
 * Hosts that already are as the revision says have it applied, unless a run is about to change them. Never back to an
 * older revision: this job may have been asked before a newer one was applied.
 */
async function noteApplied(tx: Queryable, plan: Plan): Promise<void> {
  const { rowCount } = await tx.query(
    `UPDATE site SET applied_revision = $2
      WHERE id = $1 AND (applied_revision IS NULL OR applied_revision < $2)
        AND NOT EXISTS (SELECT 1 FROM run WHERE site_id = $1 AND state IN ('queued', 'running'))`,
    [plan.siteId, plan.revision],
  );
  if (rowCount) await recordChange(tx, 'site', plan.siteId);
}

/** Keeps a plan under the job's epoch; the same plan is kept once, because its id is a hash, and as long as a new one. */
export async function storePlan(
  job: Pick<JobContext, 'fenced' | 'createdBy'>,
  plan: Plan,
  facts: readonly NodeFacts[],
): Promise<void> {
  await job.fenced(async (tx) => {
    await tx.query(
      `INSERT INTO plan (id, site_id, kind, revision, facts_hash, body, facts, created_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET created_at = now()`,
      [
        plan.id,
        plan.siteId,
        plan.kind,
        plan.revision,
        plan.factsHash,
        JSON.stringify(plan),
        JSON.stringify(facts),
        job.createdBy,
      ],
    );
    await recordChange(tx, 'plan', plan.siteId);
    if (plan.kind === 'apply' && plan.steps.length === 0) await noteApplied(tx, plan);
  });
}
