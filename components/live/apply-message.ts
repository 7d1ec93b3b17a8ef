import type { QueryClient } from '@tanstack/react-query';
import type { JobView } from '@/lib/run/job-view';
import type { RunView } from '@/lib/run/run-view';
import type { SiteView } from '@/lib/topology/site-view';
import { queryKeys } from './query-keys';
import { EMPTY_TAIL, withEvents } from './run-tail';
import type { RunTail } from './run-tail';
import type { StreamMessage } from './stream-message';

/** Writes one message of the stream into the query cache; messages without content change nothing. */
export function applyMessage(client: QueryClient, message: StreamMessage): void {
  switch (message.type) {
    case 'site':
      client.setQueryData(queryKeys.site(message.siteId), message.site);
      client.setQueryData<readonly SiteView[]>(queryKeys.sites(), (sites = []) =>
        withEntry(sites, message.siteId, message.site),
      );
      return;
    case 'host-keys':
      client.setQueryData(queryKeys.hostKeys(message.siteId), message.hostKeys);
      return;
    case 'job':
      applyJob(client, message.job);
      return;
    case 'run':
      client.setQueryData(queryKeys.run(message.run.id), message.run);
      client.setQueryData<readonly RunView[]>(queryKeys.runs(), (runs = []) => withRun(runs, message.run));
      return;
    case 'run-events':
      client.setQueryData<RunTail>(queryKeys.runTail(message.runId), (tail = EMPTY_TAIL) =>
        withEvents(tail, message.events),
      );
      return;
    case 'hello':
    case 'tick':
    case 'end':
      return;
  }
}

/** A preflight that starts, ends or is told of again has changed what is known of the site's checks. */
function applyJob(client: QueryClient, job: JobView): void {
  const before = client.getQueryData<JobView>(queryKeys.job(job.id))?.state;
  client.setQueryData(queryKeys.job(job.id), job);
  const isProgress = job.state === 'running' && before === 'running';
  if (job.kind !== 'preflight' || job.siteId === null || isProgress) return;
  void client.invalidateQueries({ queryKey: queryKeys.checks(job.siteId) });
}

/** The list with one entry replaced, added at its end, or taken out when `entry` is null. */
function withEntry<T extends { readonly id: string }>(
  list: readonly T[],
  id: string,
  entry: T | null,
): readonly T[] {
  if (entry === null) return list.filter((each) => each.id !== id);
  if (list.some((each) => each.id === id)) return list.map((each) => (each.id === id ? entry : each));
  return [...list, entry];
}

/** Newest first; a run that is new stands at the top. */
function withRun(runs: readonly RunView[], run: RunView): readonly RunView[] {
  if (runs.some((each) => each.id === run.id)) return runs.map((each) => (each.id === run.id ? run : each));
  return [run, ...runs].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}
