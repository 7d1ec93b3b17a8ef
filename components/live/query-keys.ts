/** Where things stand in the query cache: written by the event stream, read by components. */
export const queryKeys = {
  sites: () => ['sites'] as const,
  site: (siteId: string) => ['site', siteId] as const,
  hostKeys: (siteId: string) => ['host-keys', siteId] as const,
  job: (jobId: string) => ['job', jobId] as const,
  checks: (siteId: string) => ['checks', siteId] as const,
  runs: () => ['runs'] as const,
  run: (runId: string) => ['run', runId] as const,
  runTails: () => ['run-tail'] as const,
  runTail: (runId: string) => ['run-tail', runId] as const,
};
