'use client';
import { skipToken, useQuery } from '@tanstack/react-query';
import type { HostKeyView } from '@/lib/access/host-key-view';
import type { JobView } from '@/lib/run/job-view';
import type { RunView } from '@/lib/run/run-view';
import type { SiteView } from '@/lib/topology/site-view';
import { queryKeys } from './query-keys';
import { useEventStream } from './use-event-stream';

/** All sites that the viewer may see. The shell listens; `initial` is what the page brought along. */
export function useSites(initial?: readonly SiteView[]): readonly SiteView[] {
  const { data } = useQuery<readonly SiteView[]>({
    queryKey: queryKeys.sites(),
    queryFn: skipToken,
    ...(initial && { initialData: initial }),
  });
  return data ?? [];
}

/** One site; null once it is deleted or no longer visible. */
export function useSite(initial: SiteView): SiteView | null {
  useEventStream(`site:${initial.id}`);
  const { data } = useQuery<SiteView | null>({
    queryKey: queryKeys.site(initial.id),
    queryFn: skipToken,
    initialData: initial,
  });
  return data ?? null;
}

/** Host keys of a site's nodes. */
export function useHostKeys(
  siteId: string | null,
  initial: readonly HostKeyView[] = [],
): readonly HostKeyView[] {
  useEventStream(siteId === null ? null : `site:${siteId}`);
  const { data } = useQuery<readonly HostKeyView[]>({
    queryKey: queryKeys.hostKeys(siteId ?? ''),
    queryFn: skipToken,
    initialData: initial,
  });
  return data ?? [];
}

/** A job by its id, null while none is asked for or nothing is known yet. */
export function useJob(jobId: string | null, initial: JobView | null = null): JobView | null {
  useEventStream(jobId === null ? null : `job:${jobId}`);
  const { data } = useQuery<JobView | null>({
    queryKey: queryKeys.job(jobId ?? ''),
    queryFn: skipToken,
    ...(initial && initial.id === jobId && { initialData: initial }),
  });
  return data ?? null;
}

/** All runs that the viewer may see, newest first. The shell listens. */
export function useRuns(initial?: readonly RunView[]): readonly RunView[] {
  const { data } = useQuery<readonly RunView[]>({
    queryKey: queryKeys.runs(),
    queryFn: skipToken,
    ...(initial && { initialData: initial }),
  });
  return data ?? [];
}
