import type { Metadata } from 'next';
import { orNotFound } from '@/app/or-not-found';
import { RunScreen } from '@/components/run/run-screen';
import { can } from '@/lib/access/can';
import { requireUser } from '@/lib/auth/session';
import type { PlanStep } from '@/lib/plan/plan';
import { getPlan } from '@/lib/services/plans/get-plan';
import { getRun } from '@/lib/services/runs/get-run';

import { getRevision } from '@/lib/services/topology/get-revision';
import { findStepKind } from '@/lib/steps/catalogue';
import { cancelRunAction, resumeRunAction, retryRunAction, setFenceAction, skipStepAction } from './actions';
import { readTail } from './read-tail';

export const metadata: Metadata = { title: 'Run' };

interface Props {
  readonly params: Promise<{ readonly runId: string }>;
}

/** Why each step that must not be cut must not, by its id. */
function toUninterruptible(steps: readonly PlanStep[]): Record<string, string> {
  return Object.fromEntries(
    steps.flatMap((step) => {
      const reason = findStepKind(step.kind)?.uninterruptible;
      return reason ? [[step.id, reason]] : [];
    }),
  );
}

export default async function RunPage({ params }: Props) {
  const ctx = await requireUser('page /runs/[runId]');
  const { runId } = await params;
  const run = await orNotFound(getRun(ctx, { runId }));
  const { siteId, revision, planId } = run;
  const [tail, { plan }, { topology }] = await orNotFound(
    Promise.all([readTail(ctx, runId), getPlan(ctx, { planId }), getRevision(ctx, { siteId, revision })]),
  );
  const { grants } = ctx.actor;
  const [mayControl, maySetFence] = [can(grants, 'run.control', siteId), can(grants, 'fence.set')];
  return (
    <RunScreen
      run={run}
      tail={tail}
      plan={plan}
      nodeNames={Object.fromEntries(topology.nodes.map((node) => [node.id, node.name]))}
      uninterruptible={toUninterruptible(plan.steps)}
      refusals={{
        control: mayControl.allowed ? null : mayControl.reason,
        fence: maySetFence.allowed ? null : maySetFence.reason,
      }}
      actions={{
        cancelRun: cancelRunAction,
        retryRun: retryRunAction,
        resumeRun: resumeRunAction,
        skipStep: skipStepAction,
        setFence: setFenceAction,
      }}
    />
  );
}
