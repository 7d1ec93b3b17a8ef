'use client';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { HostKeyView } from '@/lib/access/host-key-view';
import type { PlanKind } from '@/lib/plan/plan';
import type { PlanView } from '@/lib/plan/plan-view';
import type { JobView } from '@/lib/run/job-view';
import type { PreflightView } from '@/lib/run/preflight-view';
import type { SiteView } from '@/lib/topology/site-view';
import { useHostKeys, useJob } from '@/components/live/use-live';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { TypedConfirm } from '@/components/ui/typed-confirm';
import { useAction } from '@/components/ui/use-action';
import type { SiteWorkActions } from './actions';
import { ChecksSummary } from './checks-summary';
import { listHostKeyEntries } from './host-key-state';
import { findPlanResult, toApplyWords } from './plan-facts';
import { PlanPanel } from './plan-panel';
import { SiteHostKeys } from './site-host-keys';
import type { ReachedNode } from './site-host-keys';
import { useChecks } from './use-checks';
import { usePlan } from './use-plan';
import { whyNoApply } from './wizard-footer';

interface Props {
  readonly site: SiteView;
  readonly nodes: readonly ReachedNode[];
  readonly revision: number;
  readonly hostKeys: readonly HostKeyView[];
  /** Newest job of each kind, null where there was none. */
  readonly jobs: Readonly<Record<'scan' | 'plan', JobView | null>>;
  readonly checks: PreflightView;
  readonly applyRefusal: string | null;
  readonly uninstallRefusal: string | null;
  readonly hostKeyRefusal: string | null;
  readonly actions: SiteWorkActions;
}

/** Host keys, checks and plan of a site that exists already: what the wizard's last steps do, on one page. */
export function SitePlan(props: Props) {
  const { site, nodes, revision, jobs, applyRefusal, uninstallRefusal, actions } = props;
  const router = useRouter();
  const keys = useHostKeys(site.id, props.hostKeys);
  const [planJobId, setPlanJobId] = useState<string | null>(jobs.plan?.id ?? null);
  const planJob = useJob(planJobId, jobs.plan);
  const checks = useChecks(site.id, actions.startPreflight, props.checks);
  const { plan, isFailed } = usePlan(findPlanResult(planJob)?.planId ?? null);
  const [planning, running] = [useAction(actions.startPlan), useAction(actions.startRun)];
  const entries = nodes.flatMap((node) => listHostKeyEntries(node, keys, jobs.scan));
  const open = entries.filter(({ state }) => state.kind !== 'approved').length;
  const keyReason = open > 0 ? 'Approve the host keys first.' : null;
  const makePlan = (kind: PlanKind) =>
    planning.run({ siteId: site.id, kind }, ({ jobId }) => setPlanJobId(jobId));
  const apply = () =>
    plan && running.run({ planId: plan.plan.id }, ({ runId }) => router.push(`/runs/${runId}`));
  return (
    <div className="flex flex-col gap-5">
      <PlanHead
        site={site}
        revision={revision}
        plan={plan}
        isPlanning={planning.isBusy}
        isStarting={running.isBusy}
        applyRefusal={applyRefusal}
        uninstallRefusal={uninstallRefusal}
        keyReason={keyReason}
        checksRefusal={checks.view?.refusal ?? null}
        onPlan={makePlan}
        onApply={apply}
      />
      <ActionErrorPanel error={running.error} />
      <SiteHostKeys
        siteId={site.id}
        nodes={nodes}
        hostKeys={props.hostKeys}
        scan={jobs.scan}
        refusal={props.hostKeyRefusal}
        actions={actions}
      />
      <ChecksSummary siteId={site.id} checks={checks} runReason={keyReason} />
      <section aria-label="Plan" className="flex flex-col gap-2">
        <h2>Plan</h2>
        <PlanPanel
          nodes={nodes}
          job={planJob}
          plan={plan}
          isFailed={isFailed}
          isBusy={planning.isBusy}
          error={planning.error}
          onPlan={() => makePlan(plan?.plan.kind ?? 'apply')}
        />
      </section>
    </div>
  );
}

interface PlanHeadProps {
  readonly site: SiteView;
  readonly revision: number;
  readonly plan: PlanView | null;
  readonly isPlanning: boolean;
  readonly isStarting: boolean;
  readonly applyRefusal: string | null;
  readonly uninstallRefusal: string | null;
  readonly keyReason: string | null;
  /** Why the checks let nothing be built, in words. */
  readonly checksRefusal: string | null;
  readonly onPlan: (kind: PlanKind) => void;
  readonly onApply: () => void;
}

/** What the plan is for, and the button that lets it happen; an uninstall asks once more. */
function PlanHead(props: PlanHeadProps) {
  const { site, revision, plan, isPlanning, isStarting, applyRefusal, uninstallRefusal, keyReason } = props;
  const [isAsking, setIsAsking] = useState(false);
  const isUninstall = plan?.plan.kind === 'uninstall';
  const other = isUninstall ? 'apply' : 'uninstall';
  const otherRefusal = isUninstall ? applyRefusal : uninstallRefusal;
  const refusal = isUninstall ? uninstallRefusal : applyRefusal;
  const words = plan && plan.plan.steps.length > 0 ? toApplyWords(plan.plan) : 'Apply';
  return (
    <div className="flex flex-wrap items-center gap-3">
      <h1>
        Plan for {site.name}, revision {revision}
      </h1>
      <span className="ml-auto flex gap-2">
        {(isUninstall || site.appliedRevision !== null) && (
          <Button isBusy={isPlanning} reason={otherRefusal ?? keyReason} onClick={() => props.onPlan(other)}>
            {isUninstall ? 'Plan changes' : 'Plan an uninstall'}
          </Button>
        )}
        <Button
          look={isUninstall ? 'danger' : 'primary'}
          isBusy={isStarting}
          reason={refusal ?? whyNoApply(plan, props.checksRefusal)}
          onClick={() => (isUninstall ? setIsAsking(true) : props.onApply())}
        >
          {words}
        </Button>
      </span>
      <TypedConfirm
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        title={`Uninstall ${site.name}`}
        word={site.name}
        action={words}
        isBusy={isStarting}
        onConfirm={props.onApply}
      >
        Every container of this cluster ends, and RKE2 is deleted from its hosts with all data below
        /var/lib/rancher/rke2: etcd, its local snapshots, and volumes kept there. Only what stands elsewhere
        is left.
      </TypedConfirm>
    </div>
  );
}
