import type { JobView } from '@/lib/run/job-view';
import type { Job } from '@/lib/db/generated/client';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { toJobView } from './to-job-view';

/** Throws `not-found` unless the actor may see the job. A kubeconfig is only for the person who asked for it. */
export function toVisibleJob(ctx: ServiceContext, row: Job | null): JobView {
  if (!row?.siteId) throw notFound('job');
  authoriseOnSite(ctx, 'job.view', row.siteId, 'job');
  if (row.kind === 'kubeconfig' && row.createdBy !== ctx.actor.email) throw notFound('job');
  return toJobView(row);
}

/** One job with its progress, and its result once it is done. Throws `not-found`. */
export async function getJob(ctx: ServiceContext, input: { jobId: string }): Promise<JobView> {
  return toVisibleJob(ctx, await ctx.db.prisma.job.findUnique({ where: { id: input.jobId } }));
}
