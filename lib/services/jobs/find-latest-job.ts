import type { JobKind, JobView } from '@/lib/run/job-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { toJobView } from './to-job-view';

/** The newest job of a kind on a site, or null. Kubeconfig jobs are never found this way. */
export async function findLatestJob(
  ctx: ServiceContext,
  input: { siteId: string; kind: Exclude<JobKind, 'kubeconfig'> },
): Promise<JobView | null> {
  authoriseOnSite(ctx, 'job.view', input.siteId);
  const row = await ctx.db.prisma.job.findFirst({
    where: { siteId: input.siteId, kind: input.kind, site: { deletedAt: null } },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
  });
  return row && toJobView(row);
}
