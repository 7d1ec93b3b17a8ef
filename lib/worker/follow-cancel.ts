import { waitForNudge } from '@/lib/db/listen';
import { findCancelRequest, type ClaimedRun } from '@/lib/db/run-log';
import { WORK_CHANNEL } from '@/lib/db/site-lease';
import type { WorkerContext } from './worker-context';

/** The slow poll behind the nudge that a cancel sends. */
const CANCEL_POLL_MS = 1_000;

export interface FollowedCancel {
  readonly isRequested: () => boolean;
  readonly stop: () => void;
}

/**
 * Follows the cancel flag of a run: at once with the nudge, else within a second. A database that is away only makes it
 * late. Ends with `stop`, with the context's signal, or with the wish.
 */
export function followCancel(
  { db, signal: lost }: Pick<WorkerContext, 'db' | 'signal'>,
  run: ClaimedRun,
  epoch: bigint,
): FollowedCancel {
  let isRequested = run.cancelRequested;
  const ended = new AbortController();
  const signal = AbortSignal.any([lost, ended.signal]);
  const follow = async (): Promise<void> => {
    while (!signal.aborted && !isRequested) {
      await waitForNudge(db, WORK_CHANNEL, { timeoutMs: CANCEL_POLL_MS, signal });
      isRequested ||= (await findCancelRequest(db, run.runId, epoch).catch(() => false)) ?? false;
    }
  };
  void follow();
  return { isRequested: () => isRequested, stop: () => ended.abort() };
}
