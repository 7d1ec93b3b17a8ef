import { readNow } from '@/lib/db/read-now';
import { checkHosts } from '@/lib/health/checks';
import type { PreflightResult } from '@/lib/run/job-view';
import { gatherFacts } from './gather-facts';
import type { JobContext } from './job-context';

/** The matrix host × check from fresh facts; hosts that could not be read stand beside it with the reason. */
export async function runPreflight(job: JobContext): Promise<PreflightResult> {
  const gathered = await gatherFacts(job);
  const facts = gathered.flatMap((node) => ('facts' in node ? [node.facts] : []));
  const unreachable = gathered.flatMap((node) => ('failure' in node ? [node] : []));
  const now = await readNow(job.db.pool);
  return {
    cells: checkHosts(job.topology, facts),
    unreachable,
    takenAt: now.toISOString(),
  };
}
