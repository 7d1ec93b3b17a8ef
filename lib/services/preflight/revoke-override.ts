import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import { readNow } from '@/lib/db/read-now';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { findNewestJob, toOverrideView } from './find-checks';

const RevokeOverrideInput = z.strictObject({ siteId: z.string(), overrideId: z.string() });

/**
 * Takes an override back: its red check stands in the way of Apply again. Throws `not-found`, and `conflict` for one that a
 * run was started with or that was taken back before.
 */
export async function revokeOverride(
  ctx: ServiceContext,
  input: z.input<typeof RevokeOverrideInput>,
): Promise<CheckOverrideView> {
  const { siteId, overrideId } = parseInput(RevokeOverrideInput, input);
  authoriseOnSite(ctx, 'check.override', siteId);
  return transact(ctx, async (tx) => {
    await tx.sql.query('SELECT id FROM site WHERE id = $1 FOR UPDATE', [siteId]);
    const row = await tx.prisma.checkOverride.findFirst({
      where: { id: overrideId, siteId, site: { deletedAt: null } },
    });
    if (!row) throw notFound('override');
    if (row.runId) {
      throw new AppError('conflict', 'A run was started with this override already. Cancel the run instead.');
    }
    if (row.revokedAt) throw new AppError('conflict', 'This override was taken back already.');
    const { nodeId, checkId, value } = row;
    const revoked = await tx.prisma.checkOverride.update({
      where: { id: overrideId },
      data: { revokedAt: await readNow(tx.sql), revokedBy: ctx.actor.email },
    });
    await tx.audit('check.override-revoke', siteId, { overrideId, nodeId, checkId, value });
    const job = await findNewestJob(tx, siteId);
    if (job) await tx.changed('job', job.id);
    return toOverrideView(revoked, false);
  });
}
