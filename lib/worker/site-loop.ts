import { StaleEpochError } from '@/lib/db/errors';
import { waitForNudge } from '@/lib/db/listen';
import { claimSite, releaseLease, renewLease, WORK_CHANNEL, type SiteClaim } from '@/lib/db/site-lease';
import { claimRun } from '@/lib/db/run-log';
import { runPlanOf } from './run-plan-of';
import { openSiteWatch } from './site-watch';
import type { WorkerContext } from './worker-context';

/*
 * One lease per site owns its runs and its sampler (contract 6):
 *
 *   claim ──▶ owned: heartbeat every TTL/3 ─┬─ run waiting? do it ─┐
 *                                           └─ sampler goes on ────┴─▶ nothing left, or stop: release
 *                 │ heartbeat refused, or no answer for a whole TTL
 *                 └─▶ lost: everything of this epoch stops at once and writes nothing more
 */

const TTL_MS = 10_000;
const POLL_MS = 1_000;
/** While the database is away, so that its return is noticed within 3 s (reliability I6). */
const AWAY_POLL_MS = 500;
/** Sites of one worker; more workers take more. */
const MAX_SITES = 200;

export interface SiteLoopOptions {
  /** Does a claimed run; a seam for soaks and benches, whose steps no planner knows. */
  readonly runPlan?: typeof runPlanOf;
  /** Life of a lease by the database's clock, milliseconds: 10 s. */
  readonly ttlMs?: number;
  /** How long a missed nudge may cost, milliseconds: 1 s. */
  readonly pollMs?: number;
}

/** Keeps a lease alive; the signal aborts when it is lost or may be (no answer for a whole TTL). */
function keepLease(
  context: WorkerContext,
  claim: SiteClaim,
  ttlMs: number,
): { lost: AbortSignal; stop: () => void } {
  const lost = new AbortController();
  let renewedAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - renewedAt > ttlMs) lost.abort();
    const askedAt = performance.now();
    renewLease(context.db.pool, claim, ttlMs).then(
      (isOurs) => {
        if (isOurs) renewedAt = askedAt;
        else lost.abort();
      },
      (error: unknown) => context.log.warn({ err: error, siteId: claim.siteId }, 'the lease was not renewed'),
    );
  }, ttlMs / 3);
  return { lost: lost.signal, stop: () => clearInterval(timer) };
}

/** Does the runs of an owned site, one after the other, while its sampler goes on; returns when the lease ends. */
async function ownSite(
  context: WorkerContext,
  claim: SiteClaim,
  { runPlan, ttlMs, pollMs }: Required<SiteLoopOptions>,
): Promise<void> {
  const { db, log, holder } = context;
  const lease = keepLease(context, claim, ttlMs);
  const signal = AbortSignal.any([context.signal, lease.lost]);
  const site: WorkerContext = { ...context, signal };
  const watch = openSiteWatch(site, claim);
  try {
    while (!signal.aborted) {
      const nudge = waitForNudge(db, WORK_CHANNEL, { timeoutMs: pollMs, signal });
      const run = await claimRun(db, claim, holder);
      if (run) await runPlan(site, claim, run, watch);
      else if (await watch.isIdle()) break;
      else await nudge;
    }
  } catch (error) {
    if (!(error instanceof StaleEpochError) && !signal.aborted) {
      log.error({ err: error, siteId: claim.siteId }, 'the site is let go of');
    }
  } finally {
    lease.stop();
    await watch.close();
    if (!lease.lost.aborted) await releaseLease(db.pool, claim).catch(() => undefined);
  }
}

/** Claims sites that have something to do until the worker stops. */
export async function runSiteLoop(
  context: WorkerContext,
  { runPlan = runPlanOf, ttlMs = TTL_MS, pollMs = POLL_MS }: SiteLoopOptions = {},
): Promise<void> {
  const { db, holder, log, signal } = context;
  const owned = new Map<string, Promise<void>>();
  while (!signal.aborted) {
    let nudge = waitForNudge(db, WORK_CHANNEL, { timeoutMs: pollMs, signal });
    const claim =
      owned.size < MAX_SITES
        ? await claimSite(db.pool, holder, { ttlMs, exclude: [...owned.keys()] }).catch((error: unknown) => {
            log.warn({ err: error }, 'sites cannot be claimed');
            nudge = waitForNudge(db, WORK_CHANNEL, { timeoutMs: Math.min(pollMs, AWAY_POLL_MS), signal });
            return null;
          })
        : null;
    if (claim) {
      log.info({ siteId: claim.siteId, epoch: claim.epoch.toString() }, 'site claimed');
      const done = ownSite(context, claim, { runPlan, ttlMs, pollMs }).finally(() =>
        owned.delete(claim.siteId),
      );
      owned.set(claim.siteId, done);
    } else {
      await nudge;
    }
  }
  await Promise.allSettled(owned.values());
}
