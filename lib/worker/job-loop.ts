import { waitForNudge } from '@/lib/db/listen';
import { WORK_CHANNEL } from '@/lib/db/site-lease';
import { claimJob, renewJob, updateJob, withJob, type ClaimedJob } from '@/lib/db/jobs';
import { StaleEpochError } from '@/lib/db/errors';
import { JobParams } from '@/lib/run/job-params';
import { SiteId } from '@/lib/core/ids';
import { isForLater, toFailure } from './failure-of';
import { runKubeconfig } from './jobs/kubeconfig';
import { runPlan } from './jobs/plan';
import { runPreflight } from './jobs/preflight';
import { runScan } from './jobs/scan';
import type { JobContext } from './jobs/job-context';
import { readNewestRevision, readRevision } from './read-topology';
import { openSiteHosts } from './site-hosts';
import type { WorkerContext } from './worker-context';

const TTL_MS = 10_000;
/** Jobs of one worker at the same time; each may talk to ten hosts. */
const AT_ONCE = 4;
/** The slow poll behind the nudge. */
const POLL_MS = 2_000;

function dispatch(job: JobContext, params: JobParams): Promise<unknown> {
  switch (params.kind) {
    case 'scan':
      return runScan(job);
    case 'preflight':
      return runPreflight(job, { nodeIds: params.nodeIds ?? null, checkIds: params.checkIds ?? null });
    case 'plan':
      return runPlan(job, params.planKind);
    case 'kubeconfig':
      return runKubeconfig(job, params.publicKey);
  }
}

async function handle(context: WorkerContext, claimed: ClaimedJob, signal: AbortSignal): Promise<unknown> {
  const params = JobParams.parse(claimed.params);
  const siteId = SiteId.parse(claimed.siteId);
  const { revision, topology } =
    'revision' in params
      ? await readRevision(context.db, siteId, params.revision)
      : await readNewestRevision(context.db, siteId);
  const hosts = openSiteHosts(context, topology, siteId);
  const progress = (line: string) => updateJob(context.db.pool, claimed, { progress: line });
  const fenced: JobContext['fenced'] = (work) => withJob(context.db.pool, claimed, work);
  const { createdBy } = claimed;
  try {
    return await dispatch(
      { ...context, signal, siteId, createdBy, revision, topology, hosts, progress, fenced },
      params,
    );
  } finally {
    hosts.close();
  }
}

/** One job from claim to result; a lost lease or a stop leaves it to the next worker. */
async function runJob(context: WorkerContext, claimed: ClaimedJob): Promise<void> {
  const { db, log } = context;
  const lost = new AbortController();
  const heartbeat = setInterval(() => {
    renewJob(db.pool, claimed, TTL_MS).then(
      (isOurs) => {
        if (!isOurs) lost.abort();
      },
      () => undefined, // the database may be away for a moment; the lease decides
    );
  }, TTL_MS / 3);
  const signal = AbortSignal.any([context.signal, lost.signal]);
  try {
    const result = await handle(context, claimed, signal);
    await updateJob(db.pool, claimed, { state: 'done', result });
  } catch (error) {
    // Without a database the job keeps its row, and is done again once its lease has lapsed.
    if (error instanceof StaleEpochError || signal.aborted || isForLater(error)) return;
    const failure = toFailure(context, error);
    await updateJob(db.pool, claimed, { state: 'failed', failure }).catch((cause: unknown) =>
      log.warn({ err: cause, job: claimed.id }, 'the end of a job could not be stored'),
    );
  } finally {
    clearInterval(heartbeat);
  }
}

/** Takes jobs until the worker stops. Resolves when those under way have ended. */
export async function runJobLoop(context: WorkerContext): Promise<void> {
  const { db, holder, log, signal } = context;
  const running = new Set<Promise<void>>();
  while (!signal.aborted) {
    const nudge = waitForNudge(db, WORK_CHANNEL, { timeoutMs: POLL_MS, signal });
    const claimed =
      running.size < AT_ONCE
        ? await claimJob(db.pool, holder, TTL_MS).catch((error: unknown) => {
            log.warn({ err: error }, 'jobs cannot be claimed');
            return null;
          })
        : null;
    if (claimed) {
      const job: Promise<void> = runJob(context, claimed).finally(() => running.delete(job));
      running.add(job);
    } else {
      await Promise.race([nudge, ...running]);
    }
  }
  await Promise.allSettled(running);
}
