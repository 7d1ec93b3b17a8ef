'use client';
import { skipToken, useQuery } from '@tanstack/react-query';
import type { HostKeyView } from '@/lib/access/host-key-view';
import type { JobView } from '@/lib/run/job-view';
import type { RunView } from '@/lib/run/run-view';
import type { SiteView } from '@/lib/topology/site-view';
import { useHydrated } from '@/components/ui/use-hydrated';
import { queryKeys } from './query-keys';
import { useEventStream } from './use-event-stream';

/**
 * What the stream last said under a key. Until it has said something, and while React takes over what the server has
 * painted, it is what the page brought along; undefined when the page brought nothing.
 */
export function useCached<T>(queryKey: readonly unknown[], initial: T | undefined): T | undefined {
  const isHydrated = useHydrated();
  const { data } = useQuery<T, Error, T>({
    queryKey,
    queryFn: skipToken,
    ...(initial !== undefined && { initialData: () => initial }),
  });
  return isHydrated || initial === undefined ? data : initial;
}

/** All sites that the viewer may see. The shell listens; `initial` is what the page brought along. */
export function useSites(initial?: readonly SiteView[]): readonly SiteView[] {
  return useCached(queryKeys.sites(), initial) ?? [];
}

/** One site; null once it is deleted or no longer visible. */
export function useSite(initial: SiteView): SiteView | null {
  useEventStream(`site:${initial.id}`);
  return useCached<SiteView | null>(queryKeys.site(initial.id), initial) ?? null;
}

/** Host keys of a site's nodes. */
export function useHostKeys(siteId: string | null, initial?: readonly HostKeyView[]): readonly HostKeyView[] {
  useEventStream(siteId === null ? null : `site:${siteId}`);
  return useCached(queryKeys.hostKeys(siteId ?? ''), initial) ?? [];
}

/** A job by its id, null while none is asked for or nothing is known yet. */
export function useJob(jobId: string | null, initial: JobView | null = null): JobView | null {
  useEventStream(jobId === null ? null : `job:${jobId}`);
  const known = initial?.id === jobId ? (initial ?? undefined) : undefined;
  return useCached<JobView>(queryKeys.job(jobId ?? ''), known) ?? null;
}

/** All runs that the viewer may see, newest first. The shell listens. */
export function useRuns(initial?: readonly RunView[]): readonly RunView[] {
  return useCached(queryKeys.runs(), initial) ?? [];
}
