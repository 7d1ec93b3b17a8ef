import type { Failure } from '@/lib/core/failure';
import type { NodeId } from '@/lib/core/ids';
import { StaleEpochError } from '@/lib/db/errors';
import { storeFacts } from '@/lib/db/node-facts';
import type { NodeFacts } from '@/lib/health/facts';
import { listSecretRefs } from '@/lib/topology/list-secret-refs';
import { createFactsReader } from '../facts-reader';
import { isForLater, toFailure } from '../failure-of';
import { readSecrets } from '../secret-store';
import { forEachNode, type JobContext } from './job-context';

export type GatheredFacts =
  | { readonly nodeId: NodeId; readonly facts: NodeFacts }
  | { readonly nodeId: NodeId; readonly failure: Failure };

/**
 * Reads nodes of the site, every one by default, a few at a time; a node that can't be read says why instead. Newest
 * facts are kept.
 */
export async function gatherFacts(
  job: JobContext,
  nodeIds: readonly NodeId[] = job.topology.nodes.map(({ id }) => id),
): Promise<GatheredFacts[]> {
  const knownSecrets = await readSecrets(job, listSecretRefs(job.topology));
  const read = createFactsReader(job.hosts, job.topology, knownSecrets);
  const total = nodeIds.length;
  let done = 0;
  await job.progress(`reading facts of ${total === 1 ? 'one host' : `${total} hosts`}`);
  return forEachNode(nodeIds, async (nodeId): Promise<GatheredFacts> => {
    try {
      const { host, facts } = await read(nodeId);
      await job.fenced((tx) => storeFacts(tx, facts));
      done += 1;
      await job.progress(`${host}: facts read, ${done} of ${total}`);
      return { nodeId, facts };
    } catch (error) {
      if (error instanceof StaleEpochError || isForLater(error)) throw error;
      return { nodeId, failure: toFailure(job, error) };
    }
  });
}
