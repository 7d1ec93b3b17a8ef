import { z } from 'zod';
import { RUN_LIMITS } from '@/lib/run/limits';
import { runCan } from '@/lib/run/run-can';
import type { RunView } from '@/lib/run/run-view';
import { findStepKind } from '@/lib/steps/catalogue';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { parseInput } from '../parse-input';
import type { Transaction } from '../transact';
import { transact } from '../transact';
import { appendRequest } from './append-request';
import { findVisibleRun } from './find-visible-run';
import { getRun } from './get-run';
import { lockRun, queueAgain, refuseUnless, type LockedRun } from './queue-again';

const { minReason, maxReason } = RUN_LIMITS;

/** The reason is typed by a person and stands in the log and the audit. */
export const SkipStepInput = z.strictObject({
  runId: z.string(),
  stepId: z.string(),
  reason: z
    .string()
    .trim()
    .min(minReason, `say why in at least ${minReason} characters`)
    .max(maxReason, `use at most ${maxReason} characters`),
});

/** Throws `conflict` or `not-found` unless the run has this step and may leave it out. */
function refuseSkip(run: LockedRun, stepId: string): void {
  const step = run.plan.steps.find(({ id }) => id === stepId);
  const stepState = run.stepStates.get(stepId);
  const uninterruptible = (step && findStepKind(step.kind)?.uninterruptible) ?? null;
  refuseUnless(runCan.skip({ ...run.situation, stepState: stepState ?? 'failed', uninterruptible }));
  if (!step || !stepState) throw notFound('step');
}

async function storeSkip(tx: Transaction, runId: string, stepId: string): Promise<void> {
  await tx.prisma.runStep.update({
    where: { runId_stepId: { runId, stepId } },
    data: { state: 'skipped' },
    select: { stepId: true },
  });
  await tx.prisma.run.update({
    where: { id: runId },
    data: { stepsSkipped: { increment: 1 }, stepsDone: { increment: 1 } },
    select: { id: true },
  });
}

/**
 * Leaves a failed step out, with a reason, so that those that wait for it may go on. The run is queued again at once
 * when no other step of it has failed; else it waits for a word on those too. It can still end as done, but its
 * revision does not count as applied. Throws `conflict` with the words of `runCan.skip`.
 */
export async function skipStep(ctx: ServiceContext, input: z.input<typeof SkipStepInput>): Promise<RunView> {
  const { runId, stepId, reason } = parseInput(SkipStepInput, input);
  const { siteId } = await findVisibleRun(ctx, runId);
  authoriseOnSite(ctx, 'run.control', siteId, 'run');
  await transact(ctx, async (tx) => {
    const run = await lockRun(ctx, tx, runId, siteId);
    refuseSkip(run, stepId);
    const by = ctx.actor.email;
    await storeSkip(tx, runId, stepId);
    await appendRequest(tx, runId, { type: 'step.skipped', stepId, by, reason });
    const isLast = [...run.stepStates].every(([id, state]) => id === stepId || state !== 'failed');
    if (isLast) await queueAgain(ctx, tx, run, { event: { type: 'run.resume-requested', by } });
    await tx.audit('run.skip', runId, { siteId, stepId, reason });
  });
  return getRun(ctx, { runId });
}
