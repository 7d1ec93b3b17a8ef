import { isAppError } from '@/lib/core/errors';
import type { Change } from '@/lib/db/change-feed';
import type { ServiceContext } from '../context';
import { listHostKeys } from '../host-keys/list-host-keys';
import { toVisibleJob } from '../jobs/get-job';
import { listRuns } from '../runs/list-runs';
import { findVisibleRun } from '../runs/find-visible-run';
import { toRunView } from '../runs/to-run-view';
import { getSite } from '../sites/get-site';
import { listSites } from '../sites/list-sites';
import type { StreamTopic } from './parse-topics';

/** A message of the stream, before it gets its id. */
export interface StreamMessage {
  readonly event: 'hello' | 'tick' | 'site' | 'host-keys' | 'job' | 'run' | 'run-events' | 'end';
  readonly data: unknown;
}

/** Null for what is not there, or not for this actor. */
async function orNull<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (isAppError(error) && (error.code === 'not-found' || error.code === 'forbidden')) return null;
    throw error;
  });
}

const NEWEST_JOBS = 20;

async function readJobs(ctx: ServiceContext, siteId: string): Promise<StreamMessage[]> {
  const rows = await ctx.db.prisma.job.findMany({
    where: { siteId },
    orderBy: { createdAt: 'desc' },
    take: NEWEST_JOBS,
  });
  const jobs = await Promise.all(
    rows.reverse().map((row) => orNull(Promise.resolve().then(() => toVisibleJob(ctx, row)))),
  );
  return jobs.flatMap((job) => (job ? [{ event: 'job' as const, data: { job } }] : []));
}

/** The present state of a topic. Throws `not-found` or `forbidden` for what the actor may not follow. */
export async function readTopic(ctx: ServiceContext, topic: StreamTopic): Promise<StreamMessage[]> {
  switch (topic.kind) {
    case 'sites':
      return (await listSites(ctx)).map((site) => ({ event: 'site', data: { siteId: site.id, site } }));
    case 'runs':
      return (await listRuns(ctx)).runs.reverse().map((run) => ({ event: 'run', data: { run } }));
    case 'site': {
      const { siteId } = topic;
      const [site, hostKeys] = await Promise.all([getSite(ctx, { siteId }), listHostKeys(ctx, { siteId })]);
      return [
        { event: 'site', data: { siteId, site } },
        { event: 'host-keys', data: { siteId, hostKeys } },
      ];
    }
    case 'jobs':
      await getSite(ctx, { siteId: topic.siteId });
      return readJobs(ctx, topic.siteId);
    case 'job': {
      const row = await ctx.db.prisma.job.findUnique({ where: { id: topic.jobId } });
      return [{ event: 'job', data: { job: toVisibleJob(ctx, row) } }];
    }
    case 'run':
      return [{ event: 'run', data: { run: toRunView(await findVisibleRun(ctx, topic.runId)) } }];
  }
}

async function readSiteChange(ctx: ServiceContext, siteId: string): Promise<StreamMessage[]> {
  const site = await orNull(getSite(ctx, { siteId }));
  return [{ event: 'site', data: { siteId, site } }];
}

async function readRunChange(
  ctx: ServiceContext,
  topics: readonly StreamTopic[],
  runId: string,
): Promise<StreamMessage[]> {
  const row = await orNull(findVisibleRun(ctx, runId));
  if (!row) return [];
  const wantsRun = topics.some(
    (topic) => topic.kind === 'runs' || (topic.kind === 'run' && topic.runId === runId),
  );
  const wantsSite = topics.some(
    (topic) => topic.kind === 'sites' || (topic.kind === 'site' && topic.siteId === row.siteId),
  );
  // A site shows its active run, so it changes with it.
  return [
    ...(wantsRun ? [{ event: 'run' as const, data: { run: toRunView(row) } }] : []),
    ...(wantsSite ? await readSiteChange(ctx, row.siteId) : []),
  ];
}

async function readJobChange(
  ctx: ServiceContext,
  topics: readonly StreamTopic[],
  jobId: string,
): Promise<StreamMessage[]> {
  const row = await ctx.db.prisma.job.findUnique({ where: { id: jobId } });
  const isWanted = topics.some(
    (topic) =>
      (topic.kind === 'job' && topic.jobId === jobId) ||
      (topic.kind === 'jobs' && topic.siteId === row?.siteId),
  );
  if (!isWanted) return [];
  const job = await orNull(Promise.resolve().then(() => toVisibleJob(ctx, row)));
  return job ? [{ event: 'job', data: { job } }] : [];
}

/** What a change means for the readers of `topics`: the thing itself, read with the actor's present rights. */
export async function readChange(
  ctx: ServiceContext,
  topics: readonly StreamTopic[],
  { topic, key }: Pick<Change, 'topic' | 'key'>,
): Promise<StreamMessage[]> {
  const isSiteWanted = topics.some(
    (one) => one.kind === 'sites' || (one.kind === 'site' && one.siteId === key),
  );
  switch (topic) {
    case 'site':
    case 'site-now':
    case 'topology':
      return isSiteWanted ? readSiteChange(ctx, key) : [];
    case 'host-key': {
      if (!topics.some((one) => one.kind === 'site' && one.siteId === key)) return [];
      const hostKeys = await orNull(listHostKeys(ctx, { siteId: key }));
      return hostKeys ? [{ event: 'host-keys', data: { siteId: key, hostKeys } }] : [];
    }
    case 'job':
      return readJobChange(ctx, topics, key);
    case 'run':
      return readRunChange(ctx, topics, key);
    default:
      return [];
  }
}
