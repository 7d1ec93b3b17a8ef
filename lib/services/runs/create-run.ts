import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import { LOCKS } from '@/lib/db/locks';
import { Plan } from '@/lib/plan/plan';
import { RUN_LIMITS } from '@/lib/run/limits';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import type { RunOverride } from '@/lib/run/run-event';
import type { RunView } from '@/lib/run/run-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite, newId, notFound } from '../context';
import { authoriseCredentialUse } from '../credentials/authorise-use';
import { parseInput } from '../parse-input';
import { findStaleReason } from '../plans/find-stale-reason';
import { refuseWhileChecked } from '../preflight/keep-apart';
import { requireChecks, spendOverrides } from '../preflight/require-checks';
import { takeRate } from '../take-rate';
import { findNewestTopology } from '../topology/find-stored';
import type { Transaction } from '../transact';
import { transact } from '../transact';
import { appendRequest } from './append-request';
import { getRun } from './get-run';

export const CreateRunInput = z.strictObject({ planId: z.string() });

/**
 * Files a run of a plan: the run, its steps and the first line of its log in one transaction. Refuses an empty or
 * stale plan, a site with an active run (promise 6) or checks under way, credentials that the actor may not use, and,
 * unless it uninstalls, hosts that were not checked or have a red check that nobody overrode (`precondition-failed`).
 */
export async function createRun(ctx: ServiceContext, input: unknown): Promise<RunView> {
  const { planId } = parseInput(CreateRunInput, input);
  const row = await ctx.db.prisma.plan.findFirst({
    where: { id: planId, site: { deletedAt: null } },
    select: { body: true, siteId: true, createdAt: true },
  });
  if (!row) throw notFound('plan');
  const { siteId } = row;
  const plan = Plan.parse(row.body);
  authoriseOnSite(ctx, plan.kind === 'uninstall' ? 'run.uninstall' : 'run.create', siteId, 'plan');
  await takeRate(ctx, { key: `enqueue:${ctx.actor.userId}`, limit: 30, windowS: 60 });
  if (plan.steps.length === 0)
    throw new AppError('conflict', 'This plan is empty: the hosts already match it.');
  const runId = newId('r');
  await transact(ctx, async (tx) => {
    await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
    await refuseSecondRun(tx, siteId);
    const stale = await findStaleReason(tx, plan, row);
    if (stale) throw new AppError('conflict', stale);
    const newest = await findNewestTopology(tx, siteId);
    await authoriseCredentialUse(ctx, tx, newest.topology, newest.topology);
    const overrides = plan.kind === 'uninstall' ? [] : await requireChecks(tx, newest);
    await tx.prisma.run.create({
      data: { id: runId, siteId, planId, steps: plan.steps.length, createdBy: ctx.actor.email },
      select: { id: true },
    });
    await tx.prisma.runStep.createMany({
      data: plan.steps.map((step, ordinal) => ({ runId, stepId: step.id, ordinal })),
    });
    await spendOverrides(tx, runId, overrides);
    await appendRequest(tx, runId, {
      type: 'run.queued',
      by: ctx.actor.email,
      steps: plan.steps.length,
      ...(overrides.length > 0 && { overrides: overrides.map(toRunOverride) }),
    });
    const { kind, steps } = plan;
    const detail = { siteId, planId, kind, steps: steps.length };
    await tx.audit('run.create', runId, {
      ...detail,
      ...(overrides.length > 0 && { overrides: overrides.map(({ id }) => id) }),
    });
    await tx.changed('site', siteId);
  });
  return getRun(ctx, { runId });
}

/** What the run's log says of an override: who let which red check pass, and why. */
function toRunOverride({ nodeId, checkId, title, value, reason, createdBy }: CheckOverrideView): RunOverride {
  return { nodeId, checkId, title, value, reason, by: createdBy };
}

/**
 * Throws `conflict` while a run or checks of the site are active, `too-many` when too many wait. Wants the site's row
 * locked.
 */
export async function refuseSecondRun(tx: Transaction, siteId: string): Promise<void> {
  const active = await tx.prisma.run.findFirst({
    where: { siteId, state: { in: ['queued', 'running'] } },
    select: { createdBy: true },
  });
  if (active) {
    throw new AppError(
      'conflict',
      `A run by ${active.createdBy} is active on this site. Cancel it or wait for its end.`,
    );
  }
  await refuseWhileChecked(tx, siteId);
  await refuseLongQueue(tx);
}

/** Counted under a lock, so that many who file at once don't pass the limit together. */
async function refuseLongQueue(tx: Transaction): Promise<void> {
  const { maxQueuedRuns } = RUN_LIMITS;
  await tx.sql.query('SELECT pg_advisory_xact_lock($1)::text', [LOCKS.queue]);
  if ((await tx.prisma.run.count({ where: { state: 'queued' } })) >= maxQueuedRuns) {
    const message = `${maxQueuedRuns} runs are waiting already. Try again when some have ended.`;
    throw new AppError('too-many', message, { retryAfterS: 60 });
  }
}
