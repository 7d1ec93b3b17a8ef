import { findNode } from '@/lib/topology/find-node';
import { buildPlan } from '@/lib/plan/build-plan';
import type { Plan, PlanKind } from '@/lib/plan/plan';
import { refusePlan } from '@/lib/plan/refuse-plan';
import type { NodeFacts } from '@/lib/health/facts';
import type { PlanResult } from '@/lib/run/job-view';
import { RUN_LIMITS } from '@/lib/run/limits';
import { checkTopology } from '@/lib/rules/check-topology';
import type { Topology } from '@/lib/topology/topology';
import { gatherFacts } from './gather-facts';
import type { JobContext } from './job-context';
import { storePlan } from './store-plan';

type Problem = PlanResult['problems'][number];

/** A run has a bound on its steps, so a plan has; null when it is within it. */
export function refuseLongPlan({ steps }: Pick<Plan, 'steps'>): Problem | null {
  const { maxSteps } = RUN_LIMITS;
  if (steps.length <= maxSteps) return null;
  return {
    nodeId: null,
    message: `This plan has ${steps.length} steps; a run does at most ${maxSteps}.`,
    nextAction: 'Bring the change about in parts: add fewer hosts at a time, then plan again.',
  };
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
      code: failure.code,
      message: failure.message,
      nextAction: failure.nextAction,
    }));
    return { planId: null, steps: 0, problems };
  }
  const facts = gathered.flatMap((node) => ('facts' in node ? [node.facts] : []));
  // Whose host it is comes first: what else stands in the way there follows from it.
  const problems = [
    ...(await refuseForeignHosts(job, facts)),
    ...refusePlan(job.topology, facts, kind),
    ...(kind === 'apply' ? refuseFindings(job.topology) : []),
  ];
  if (problems.length > 0) {
    const words = problems.map(({ nodeId, message, nextAction }) => ({ nodeId, message, nextAction }));
    return { planId: null, steps: 0, problems: words };
  }
  await job.progress('writing the plan');
  const { siteId, topology, revision } = job;
  const plan = buildPlan({ siteId, topology, revision, kind, facts });
  const tooLong = refuseLongPlan(plan);
  if (tooLong) return { planId: null, steps: plan.steps.length, problems: [tooLong] };
  await storePlan(job, plan, facts);
  return { planId: plan.id, steps: plan.steps.length, problems: [] };
}
