import type { Run } from '@/lib/db/generated/client';
import { AppError } from '@/lib/core/errors';
import { Plan } from '@/lib/plan/plan';
import type { RunAnswer } from '@/lib/run/run-can';
import { RunState, type RunEventBody, StepState } from '@/lib/run/run-event';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { authoriseCredentialUse } from '../credentials/authorise-use';
import { requireChecks, spendOverrides } from '../preflight/require-checks';
import { findNewestTopology } from '../topology/find-stored';
import type { Transaction } from '../transact';
import { appendRequest } from './append-request';
import { refuseSecondRun } from './create-run';

/** A run as a verb finds it under its locks: nobody claims, ends or changes it before the transaction does. */
export interface LockedRun {
  readonly runId: string;
  readonly siteId: string;
  readonly situation: {
    readonly state: RunState;
    readonly cancelRequested: boolean;
    readonly logDroppedAt: string | null;
  };
  readonly plan: Plan;
  readonly stepStates: ReadonlyMap<string, StepState>;
}

function toSituation(run: Run): LockedRun['situation'] {
  const { cancelRequested, logDroppedAt } = run;
  return {
    state: RunState.parse(run.state),
    cancelRequested,
    logDroppedAt: logDroppedAt?.toISOString() ?? null,
  };
}

/**
 * Locks the site (against a second run) and the run (against its worker and other tabs), in this order everywhere: whoever
 * changes a run twice in a transaction locks its site as well, because PostgreSQL then looks at the foreign key again.
 */
export async function lockRows(tx: Transaction, runId: string, siteId: string): Promise<void> {
  await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
  await tx.sql.query('SELECT id FROM run WHERE id = $1 FOR UPDATE', [runId]);
}

/** Locks a run and its site and reads it. Runs that uninstall ask for more. */
export async function lockRun(
  ctx: ServiceContext,
  tx: Transaction,
  runId: string,
  siteId: string,
): Promise<LockedRun> {
  await lockRows(tx, runId, siteId);
  const run = await tx.prisma.run.findUniqueOrThrow({
    where: { id: runId },
    include: { plan: { select: { body: true } }, runSteps: { select: { stepId: true, state: true } } },
  });
  const plan = Plan.parse(run.plan.body);
  if (plan.kind === 'uninstall') authoriseOnSite(ctx, 'run.uninstall', siteId, 'run');
  const stepStates = new Map(run.runSteps.map(({ stepId, state }) => [stepId, StepState.parse(state)]));
  return { runId, siteId, situation: toSituation(run), plan, stepStates };
}

/** Throws `conflict` with the reason. */
export function refuseUnless(answer: RunAnswer): void {
  if (!answer.allowed) throw new AppError('conflict', answer.reason);
}

/**
 * Queues an ended run again: what stopped it starts again, of one node when `onlyNodeId` says so; finished and skipped
 * steps stay. Refuses when the topology was changed since, because then the plan is no longer what the drawing says. A run
 * of which no step was started yet needs the checks as a new one does, unless it uninstalls.
 */
export async function queueAgain(
  ctx: ServiceContext,
  tx: Transaction,
  { runId, siteId, plan }: LockedRun,
  { event, onlyNodeId = null }: { event: RunEventBody; onlyNodeId?: string | null },
): Promise<void> {
  await refuseSecondRun(tx, siteId);
  const newest = await findNewestTopology(tx, siteId);
  const { revision, topology } = newest;
  if (plan.revision !== revision) {
    throw new AppError('conflict', `The topology changed to revision ${revision} since. Plan again.`);
  }
  await authoriseCredentialUse(ctx, tx, topology, topology);
  if (plan.kind !== 'uninstall' && !(await wasStarted(tx, runId))) {
    await spendOverrides(tx, runId, await requireChecks(tx, newest));
  }
  await tx.prisma.run.update({
    where: { id: runId },
    data: { state: 'queued', cancelRequested: false, finishedAt: null, onlyNodeId },
    select: { id: true },
  });
  await tx.prisma.runStep.updateMany({
    where: {
      runId,
      state: { in: ['failed', 'cancelled', 'probing', 'acting', 'verifying'] },
      ...(onlyNodeId !== null && { stepId: { in: stepsOf(plan, onlyNodeId) } }),
    },
    data: { state: 'waiting', finishedAt: null },
  });
  await appendRequest(tx, runId, event);
  await tx.changed('site', siteId);
}

/** True when a step of the run was begun at any time: from then on the hosts are its own doing. */
async function wasStarted(tx: Transaction, runId: string): Promise<boolean> {
  const begun = await tx.prisma.runStep.findFirst({
    where: { runId, OR: [{ attempt: { gt: 0 } }, { startedAt: { not: null } }] },
    select: { stepId: true },
  });
  return begun !== null;
}

/** Ids of the steps on one node, in plan order. */
export function stepsOf(plan: Plan, nodeId: string): string[] {
  return plan.steps.filter((step) => step.nodeId === nodeId).map(({ id }) => id);
}
