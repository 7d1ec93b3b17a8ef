import type { NodeId, SiteId } from '@/lib/core/ids';
import type { Queryable } from '@/lib/db/connect';
import type { Topology } from '@/lib/topology/topology';
import type { SiteHosts } from '../site-hosts';
import type { WorkerContext } from '../worker-context';

/** What a job's handler gets: the site as of the revision that the job names, and its hosts. */
export interface JobContext extends WorkerContext {
  readonly siteId: SiteId;
  readonly createdBy: string;
  readonly revision: number;
  readonly topology: Topology;
  readonly hosts: SiteHosts;
  /** One line that the waiting person sees. */
  readonly progress: (line: string) => Promise<void>;
  /** Writes under the job's epoch; rejects with StaleEpochError once another worker has the job. */
  readonly fenced: <T>(work: (tx: Queryable) => Promise<T>) => Promise<T>;
}

/** Hosts that a job talks to at the same time unless it says otherwise. */
export const HOSTS_AT_ONCE = 10;

/** Runs `work` over all nodes, a few at a time, keeping the order of results. */
export async function forEachNode<T>(
  nodeIds: readonly NodeId[],
  work: (nodeId: NodeId) => Promise<T>,
  atOnce = HOSTS_AT_ONCE,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < nodeIds.length; index = next++) {
      const nodeId = nodeIds[index];
      if (nodeId !== undefined) results[index] = await work(nodeId);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, nodeIds.length) }, lane));
  return results;
}
