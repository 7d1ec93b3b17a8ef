'use client';
import { useRouter } from 'next/navigation';
import type { ActionError } from '@/lib/core/action-result';
import type { PlanView } from '@/lib/plan/plan-view';
import type { JobView } from '@/lib/run/job-view';
import { useJob } from '@/components/live/use-live';
import { useAction } from '@/components/ui/use-action';
import type { WizardActions } from './actions';
import { findPlanResult } from './plan-facts';
import { usePlan } from './use-plan';
import type { Wizard } from './use-wizard';

export interface WizardWork {
  readonly preflight: JobView | null;
  readonly planJob: JobView | null;
  readonly plan: PlanView | null;
  readonly isPlanUnreadable: boolean;
  readonly isChecking: boolean;
  readonly isPlanning: boolean;
  readonly isApplying: boolean;
  readonly checkError: ActionError | null;
  readonly planError: ActionError | null;
  readonly runChecks: () => Promise<void>;
  readonly makePlan: () => Promise<void>;
  readonly apply: () => void;
}

/** What the wizard lets be done on hosts: checks, a plan, and its run; the site is stored before each. */
export function useWizardWork(wizard: Wizard, actions: WizardActions): WizardWork {
  const router = useRouter();
  const preflight = useJob(wizard.draft.preflightJobId);
  const planJob = useJob(wizard.draft.planJobId);
  const { plan, isFailed } = usePlan(findPlanResult(planJob)?.planId ?? null);
  const checking = useAction(actions.startPreflight);
  const planning = useAction(actions.startPlan);
  const running = useAction(actions.startRun);
  return {
    preflight,
    planJob,
    plan,
    isPlanUnreadable: isFailed,
    isChecking: checking.isBusy,
    isPlanning: planning.isBusy,
    isApplying: running.isBusy,
    checkError: checking.error,
    planError: planning.error ?? running.error,
    runChecks: async () => {
      const siteId = await wizard.storeSite();
      if (siteId) checking.run({ siteId }, ({ jobId }) => wizard.update({ preflightJobId: jobId }));
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
