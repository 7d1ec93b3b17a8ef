import type { Failure } from '@/lib/core/failure';
import type { NodeId } from '@/lib/core/ids';
import { storeFacts } from '@/lib/db/node-facts';
import type { NodeFacts } from '@/lib/health/facts';
import { planWrites } from '@/lib/plan/plan-writes';
import { readFacts } from '@/lib/provision/read-facts';
import { listSecretRefs } from '@/lib/topology/list-secret-refs';
import { toFailure } from '../failure-of';
import { readSecrets } from '../secret-store';
import { forEachNode, type JobContext } from './job-context';

export type GatheredFacts =
  | { readonly nodeId: NodeId; readonly facts: NodeFacts }
  | { readonly nodeId: NodeId; readonly failure: Failure };

/** Reads every node of the site, a few at a time; a node that can't be read says why instead. Newest facts are kept. */
export async function gatherFacts(job: JobContext): Promise<GatheredFacts[]> {
  const paths = planWrites(job.topology);
  const knownSecrets = await readSecrets(job, listSecretRefs(job.topology));
  const total = job.topology.nodes.length;
  let done = 0;
  await job.progress(`reading facts of ${total === 1 ? 'one host' : `${total} hosts`}`);
  return forEachNode(
    job.topology.nodes.map(({ id }) => id),
    async (nodeId): Promise<GatheredFacts> => {
      try {
        const connection = await job.hosts.connect(nodeId);
        const shell = connection.openShell();
        const wanted = { nodeId, host: connection.name, paths: paths.get(nodeId) ?? [], knownSecrets };
        const facts = await readFacts(shell, { ...wanted, nowMs: Date.now }).finally(shell.close);
        await storeFacts(job.db, facts);
        done += 1;
        await job.progress(`${connection.name}: facts read, ${done} of ${total}`);
        return { nodeId, facts };
      } catch (error) {
        return { nodeId, failure: toFailure(job, error) };
      }
    },
  );
}
