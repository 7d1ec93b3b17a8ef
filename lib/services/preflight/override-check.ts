import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import { RUN_LIMITS } from '@/lib/run/limits';
import { isOverriddenBy } from '@/lib/run/preflight-gate';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite, newId, notFound } from '../context';
import { parseInput } from '../parse-input';
import { takeRate } from '../take-rate';
import { findNewestTopology } from '../topology/find-stored';
import { transact } from '../transact';
import { findChecks, findNewestJob, findOpenOverrides, toOverrideView } from './find-checks';

const { minReason, maxReason } = RUN_LIMITS;

/**
 * `value`: what the person saw, so that nobody lets pass what they have not read; it may be cut, so `valueHash` of the same
 * cell says the rest. The reason is typed and audited.
 */
export const OverrideInput = z.strictObject({
  siteId: z.string(),
  nodeId: z.string(),
  checkId: z.string(),
  value: z.string(),
  valueHash: z.string().optional(),
  reason: z
    .string()
    .trim()
    .min(minReason, `say why in at least ${minReason} characters`)
    .max(maxReason, `use at most ${maxReason} characters`),
});

/**
 * Lets one failing check of one node pass: for the next run, or until the check finds something else or a person takes it
 * back. Throws `not-found` for a cell that is not there, `conflict` when it does not fail, found something else than
 * `value`, or is overridden already.
 */
export async function overrideCheck(
  ctx: ServiceContext,
  input: z.input<typeof OverrideInput>,
): Promise<CheckOverrideView> {
  const { siteId, nodeId, checkId, value, valueHash, reason } = parseInput(OverrideInput, input);
  authoriseOnSite(ctx, 'check.override', siteId);
  await takeRate(ctx, { key: `override:${ctx.actor.userId}`, limit: 60, windowS: 60 });
  return transact(ctx, async (tx) => {
    await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
    await findNewestTopology(tx, siteId);
    const found = await findChecks(tx, siteId);
    const cell = found?.result.cells.find((each) => each.nodeId === nodeId && each.checkId === checkId);
    if (!cell) throw notFound('check on this node');
    if (cell.status !== 'fail') {
      throw new AppError('conflict', `${cell.title} is not a failing check: there is nothing to override.`);
    }
    if (cell.value !== value || (valueHash !== undefined && valueHash !== cell.valueHash)) {
      throw new AppError(
        'conflict',
        `${cell.title} found something else meanwhile: ${cell.value}. Look at it before you override it.`,
      );
    }
    if ((await findOpenOverrides(tx, siteId)).some((each) => isOverriddenBy(each, cell))) {
      throw new AppError('conflict', `${cell.title} is overridden already.`);
    }
    const { title } = cell;
    const by = ctx.actor.email;
    const row = await tx.prisma.checkOverride.create({
      data: {
        ...{ id: newId('o'), siteId, nodeId, checkId, title, value, reason, createdBy: by },
        valueHash: cell.valueHash || null,
      },
    });
    await tx.audit('check.override', siteId, { overrideId: row.id, nodeId, checkId, value, reason });
    // Readers of the job look at the checks again.
    const job = await findNewestJob(tx, siteId);
    if (job) await tx.changed('job', job.id);
    return toOverrideView(row, false);
  });
}
