import { AppError } from '@/lib/core/errors';
import type { Transaction } from '../transact';

/*
 * Checks open listeners on the ports that a run's daemons want, and a run changes what the checks read: a site has one of
 * both at a time. Whoever files either locks the site's row first, so that both don't get past each other.
 */

/** Throws `conflict` while checks of the site wait or go on. Wants the site's row locked. */
export async function refuseWhileChecked(tx: Transaction, siteId: string): Promise<void> {
  const job = await tx.prisma.job.findFirst({
    where: { siteId, kind: 'preflight', state: { in: ['queued', 'running'] } },
    select: { createdBy: true },
  });
  if (!job) return;
  throw new AppError(
    'conflict',
    `Checks by ${job.createdBy} are under way on this site, and use the ports of the cluster. Wait for their end.`,
  );
}

/** Throws `conflict` while a run of the site waits or goes on. Wants the site's row locked. */
export async function refuseWhileRun(tx: Transaction, siteId: string): Promise<void> {
  const run = await tx.prisma.run.findFirst({
    where: { siteId, state: { in: ['queued', 'running'] } },
    select: { createdBy: true },
  });
  if (!run) return;
  throw new AppError(
    'conflict',
    `A run by ${run.createdBy} is active on this site, and the checks would take its ports. Wait for its end or cancel it.`,
  );
}
