import { JobParams } from '@/lib/run/job-params';
import type { PreflightScope } from '@/lib/run/job-view';
import { listBlockers, NO_CHECKS, toRefusal } from '@/lib/run/preflight-gate';
import type { PreflightView } from '@/lib/run/preflight-view';
import type { Job } from '@/lib/db/generated/client';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { toJobView } from '../jobs/to-job-view';
import { findNewestTopology } from '../topology/find-stored';
import {
  findChecks,
  findNewestJob,
  findOpenOverrides,
  findOverrides,
  findStaleOf,
  type ChecksSource,
} from './find-checks';

function toScope(job: Job | null): PreflightScope {
  const params = JobParams.safeParse(job?.params).data;
  if (params?.kind !== 'preflight') return { nodeIds: null, checkIds: null };
  return { nodeIds: params.nodeIds ?? null, checkIds: params.checkIds ?? null };
}

/**
 * The checks of a site as they stand: all cells as they were last found, overrides, and whether they stand in the way of
 * Apply. The newest job comes without its result, because the cells hold it. Throws `not-found`.
 */
export async function getChecks(ctx: ServiceContext, input: { siteId: string }): Promise<PreflightView> {
  const { siteId } = input;
  authoriseOnSite(ctx, 'job.view', siteId);
  const source: ChecksSource = { prisma: ctx.db.prisma, sql: ctx.db.pool };
  const { topology, revision } = await findNewestTopology(ctx.db, siteId);
  const [found, overrides, open, job] = await Promise.all([
    findChecks(source, siteId),
    findOverrides(source, siteId),
    findOpenOverrides(source, siteId),
    findNewestJob(source, siteId),
  ]);
  const stale = found && (await findStaleOf(source, siteId, found, revision));
  const nodes = topology.nodes.map(({ id, name }) => ({ id: id as string, name }));
  const blockers = found ? listBlockers(found.result, open, nodes) : [];
  return {
    siteId,
    revision,
    result: found?.result ?? null,
    job: job && { ...toJobView(job), result: null },
    scope: toScope(job),
    overrides: overrides.filter(({ state }) => state !== 'revoked'),
    stale,
    blockers,
    refusal: found ? (stale ?? toRefusal(blockers)) : NO_CHECKS,
  };
}
