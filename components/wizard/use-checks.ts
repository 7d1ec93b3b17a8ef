'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ActionError } from '@/lib/core/action-result';
import type { JobView, PreflightScope } from '@/lib/run/job-view';
import type { PreflightView } from '@/lib/run/preflight-view';
import { queryKeys } from '@/components/live/query-keys';
import { useJob } from '@/components/live/use-live';
import { useAction } from '@/components/ui/use-action';
import type { CheckActions } from './actions';

/** What somebody else started or overrode shows after this long at the latest; one's own work shows at once. */
const POLL_MS = 20_000;

/** Cells to check again; null means all. */
export type AgainScope = PreflightScope;
export const ALL_CELLS: AgainScope = { nodeIds: null, checkIds: null };

/** The checks of a site as they stand, live, and what may be done with them. */
export interface ChecksUse {
  /** Null while they are on their way, or while the site is not stored yet. */
  readonly view: PreflightView | null;
  readonly isUnreadable: boolean;
  /** The newest job with its progress. */
  readonly job: JobView | null;
  readonly isRunning: boolean;
  readonly isBusy: boolean;
  readonly error: ActionError | null;
  readonly run: (siteId: string, scope: AgainScope) => void;
  readonly reload: () => Promise<void>;
}

export async function fetchChecks(siteId: string): Promise<PreflightView> {
  const response = await fetch(`/api/v1/sites/${encodeURIComponent(siteId)}/checks`);
  if (!response.ok) throw new Error(`checks ${response.status}`);
  return (await response.json()) as PreflightView; // our own server's shape
}

export function isUnderWay(job: JobView | null): boolean {
  return job?.state === 'queued' || job?.state === 'running';
}

/** Reads the checks of a site and follows their newest job; the stream has them read again when it ends. */
export function useChecks(
  siteId: string | null,
  startPreflight: CheckActions['startPreflight'],
  initial: PreflightView | null = null,
): ChecksUse {
  const client = useQueryClient();
  const { data, isError } = useQuery({
    queryKey: queryKeys.checks(siteId ?? ''),
    enabled: siteId !== null,
    queryFn: () => fetchChecks(siteId ?? ''),
    refetchInterval: POLL_MS,
    ...(initial && { initialData: initial }),
  });
  const view = data ?? null;
  const job = useJob(view?.job?.id ?? null, view?.job ?? null);
  const starting = useAction(startPreflight);
  const reload = () => client.invalidateQueries({ queryKey: queryKeys.checks(siteId ?? '') });
  return {
    view,
    isUnreadable: isError && view === null,
    job,
    isRunning: isUnderWay(job),
    isBusy: starting.isBusy,
    error: starting.error,
    run: (site, { nodeIds, checkIds }) =>
      starting.run(
        { siteId: site, ...(nodeIds && { nodeIds }), ...(checkIds && { checkIds }) },
        () => void client.invalidateQueries({ queryKey: queryKeys.checks(site) }),
      ),
    reload,
  };
}
