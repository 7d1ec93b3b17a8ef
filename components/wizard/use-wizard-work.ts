'use client';
import { useRouter } from 'next/navigation';
import type { ActionError } from '@/lib/core/action-result';
import type { PlanView } from '@/lib/plan/plan-view';
import type { JobView } from '@/lib/run/job-view';
import { useJob } from '@/components/live/use-live';
import { useAction } from '@/components/ui/use-action';
import type { WizardActions } from './actions';
import { findPlanResult } from './plan-facts';
import { ALL_CELLS, fetchChecks, isUnderWay, useChecks } from './use-checks';
import type { ChecksUse } from './use-checks';
import { usePlan } from './use-plan';
import type { Wizard } from './use-wizard';

export interface WizardWork {
  readonly checks: ChecksUse;
  readonly planJob: JobView | null;
  readonly plan: PlanView | null;
  readonly isPlanUnreadable: boolean;
  readonly isPlanning: boolean;
  readonly isApplying: boolean;
  readonly planError: ActionError | null;
  /** Stores the site and runs all checks. */
  readonly runChecks: () => Promise<void>;
  /** The same, unless checks of what is stored are there or under way. */
  readonly ensureChecks: () => Promise<void>;
  readonly makePlan: () => Promise<void>;
  readonly apply: () => void;
}

/** What the wizard lets be done on hosts: checks, a plan, and its run; the site is stored before each. */
export function useWizardWork(wizard: Wizard, actions: WizardActions): WizardWork {
  const router = useRouter();
  const planJob = useJob(wizard.draft.planJobId);
  const { plan, isFailed } = usePlan(findPlanResult(planJob)?.planId ?? null);
  const checks = useChecks(wizard.draft.siteId, actions.startPreflight);
  const planning = useAction(actions.startPlan);
  const running = useAction(actions.startRun);
  return {
    checks,
    planJob,
    plan,
    isPlanUnreadable: isFailed,
    isPlanning: planning.isBusy,
    isApplying: running.isBusy,
    planError: planning.error ?? running.error,
    runChecks: async () => {
      const siteId = await wizard.storeSite();
      if (siteId) checks.run(siteId, ALL_CELLS);
    },
    ensureChecks: async () => {
      const siteId = await wizard.storeSite();
      if (!siteId) return;
      const view = await fetchChecks(siteId).catch(() => null); // the panel says so by itself
      const isThere = view?.result && !view.stale;
      if (view && !isThere && !isUnderWay(view.job)) checks.run(siteId, ALL_CELLS);
    },
    makePlan: async () => {
      const siteId = await wizard.storeSite();
      if (siteId) planning.run({ siteId, kind: 'apply' }, ({ jobId }) => wizard.update({ planJobId: jobId }));
    },
    apply: () => {
      if (!plan) return;
      running.run({ planId: plan.plan.id }, ({ runId }) => {
        const draftId = wizard.draftId();
        if (draftId) void actions.deleteDraft({ draftId });
        router.push(`/runs/${runId}`);
      });
    },
  };
}
