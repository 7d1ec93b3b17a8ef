import type { Metadata } from 'next';
import { cancelRun, retryRun } from '@/app/(app)/sites/[siteId]/actions';
import { orNotFound } from '@/app/or-not-found';
import { RunScreen } from '@/components/run/run-screen';
import { can } from '@/lib/access/can';
import { requireUser } from '@/lib/auth/session';
import { getPlan } from '@/lib/services/plans/get-plan';
import { getRun } from '@/lib/services/runs/get-run';
import { listRunEvents } from '@/lib/services/runs/list-run-events';
import { getRevision } from '@/lib/services/topology/get-revision';

export const metadata: Metadata = { title: 'Run' };

/** So many events come with the page; the stream brings the rest. */
const FIRST_EVENTS = 500;

interface Props {
  readonly params: Promise<{ readonly runId: string }>;
}

export default async function RunPage({ params }: Props) {
  const ctx = await requireUser('page /runs/[runId]');
  const { runId } = await params;
  const run = await orNotFound(getRun(ctx, { runId }));
  const { siteId, revision, planId } = run;
  const [{ events }, { plan }, { topology }] = await Promise.all([
    listRunEvents(ctx, { runId, after: 0, limit: FIRST_EVENTS }),
    getPlan(ctx, { planId }),
    getRevision(ctx, { siteId, revision }),
  ]);
  const mayControl = can(ctx.actor.grants, 'run.control', siteId);
  return (
    <RunScreen
      run={run}
      events={events}
      plan={plan}
      nodeNames={Object.fromEntries(topology.nodes.map((node) => [node.id, node.name]))}
      refusal={mayControl.allowed ? null : mayControl.reason}
      cancelRun={cancelRun}
      retryRun={retryRun}
    />
  );
}
