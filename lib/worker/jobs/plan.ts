import { recordChange } from '@/lib/db/change-feed';
import { inTransaction, type Queryable } from '@/lib/db/connect';
import { findNode } from '@/lib/topology/find-node';
import { buildPlan } from '@/lib/plan/build-plan';
import type { Plan, PlanKind } from '@/lib/plan/plan';
import { refusePlan } from '@/lib/plan/plan-problem';
import type { NodeFacts } from '@/lib/health/facts';
import type { PlanResult } from '@/lib/run/job-view';
import { checkTopology } from '@/lib/rules/check-topology';
import type { Topology } from '@/lib/topology/topology';
import { gatherFacts } from './gather-facts';
import type { JobContext } from './job-context';

/** Hosts that already are as the revision says have it applied, unless a run is about to change them. */
async function noteApplied(tx: Queryable, plan: Plan): Promise<void> {
  const { rowCount } = await tx.query(
    `UPDATE site SET applied_revision = $2
      WHERE id = $1 AND applied_revision IS DISTINCT FROM $2
        AND NOT EXISTS (SELECT 1 FROM run WHERE site_id = $1 AND state IN ('queued', 'running'))`,
    [plan.siteId, plan.revision],
  );
  if (rowCount) await recordChange(tx, 'site', plan.siteId);
}

type Problem = PlanResult['problems'][number];

async function storePlan(job: JobContext, plan: Plan, facts: readonly NodeFacts[]): Promise<void> {
  await inTransaction(job.db.pool, async (tx) => {
    await tx.query(
      `INSERT INTO plan (id, site_id, kind, revision, facts_hash, body, facts, created_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
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

/** What the drawing's own rules call an error is not planned, whoever asks for it. */
function refuseFindings(topology: Topology): readonly Problem[] {
  return checkTopology(topology)
    .filter(({ severity }) => severity === 'error')
    .map(({ message }) => ({
      nodeId: null,
      message,
      nextAction: 'Mend it in the drawing, then plan again.',
    }));
}

/**
 * Hosts that another site has built on, or is about to: by machine id, because one host has many addresses. A plan of
 * this site would take them from it.
 */
async function refuseForeignHosts(job: JobContext, facts: readonly NodeFacts[]): Promise<readonly Problem[]> {
  const { rows } = await job.db.pool.query<{ machine_id: string; site: string }>(
    `SELECT f.facts->>'machineId' AS machine_id, s.name AS site
       FROM node_fact f JOIN node n ON n.id = f.node_id JOIN site s ON s.id = n.site_id
      WHERE s.id <> $1 AND s.deleted_at IS NULL AND n.removed_at IS NULL AND f.facts->>'machineId' = ANY($2)
        AND (s.applied_revision IS NOT NULL OR EXISTS (SELECT 1 FROM run r WHERE r.site_id = s.id))`,
    [job.siteId, facts.map(({ machineId }) => machineId).filter((id) => id !== '')],
  );
  return facts.flatMap(({ nodeId, machineId }) => {
    const owner = rows.find((row) => row.machine_id === machineId);
    if (!owner) return [];
    const name = findNode(job.topology, nodeId)?.name ?? nodeId;
    return [
      {
        nodeId,
        message: `${name} belongs to the site ${owner.site} already.`,
        nextAction: `Choose another host, or uninstall and delete ${owner.site} first.`,
      },
    ];
  });
}

/** Fresh facts, then the plan from them: stored as step kinds and parameters, or the problems in the way. */
export async function runPlan(job: JobContext, kind: PlanKind): Promise<PlanResult> {
  const gathered = await gatherFacts(job);
  const unread = gathered.flatMap((node) => ('failure' in node ? [node] : []));
  if (unread.length > 0) {
    const problems = unread.map(({ nodeId, failure }) => ({
      nodeId,
      message: `${findNode(job.topology, nodeId)?.name ?? nodeId}: ${failure.message}`,
      nextAction: failure.nextAction,
    }));
    return { planId: null, steps: 0, problems };
  }
  const facts = gathered.flatMap((node) => ('facts' in node ? [node.facts] : []));
  const problems = [
    ...refusePlan(job.topology, facts, kind),
    ...(kind === 'apply' ? refuseFindings(job.topology) : []),
    ...(await refuseForeignHosts(job, facts)),
  ];
  if (problems.length > 0) {
    const words = problems.map(({ nodeId, message, nextAction }) => ({ nodeId, message, nextAction }));
    return { planId: null, steps: 0, problems: words };
  }
  await job.progress('writing the plan');
  const { siteId, topology, revision } = job;
  const plan = buildPlan({ siteId, topology, revision, kind, facts });
  await storePlan(job, plan, facts);
  return { planId: plan.id, steps: plan.steps.length, problems: [] };
}
