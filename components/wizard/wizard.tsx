'use client';
import { usePathname, useRouter } from 'next/navigation';
import { useState } from 'react';
import type { ComponentType } from 'react';
import type { CredentialView } from '@/lib/access/credential-view';
import { useHostKeys, useJob } from '@/components/live/use-live';
import { StaticDrawing } from '@/components/diagram/static-drawing';
import { useNow } from '@/components/ui/clock';
import { cx } from '@/components/ui/cx';
import { ErrorPanel } from '@/components/ui/panels';
import { StepBar } from '@/components/ui/step-bar';
import { useAction } from '@/components/ui/use-action';
import type { CredentialDialogProps, WizardActions } from './actions';
import { findPreflightResult, toNodeMarks } from './checks';
import { ChecksPanel } from './checks-panel';
import { toLooseNodes } from './document';
import { FindingsPanel } from './findings-panel';
import { toHostKeyState } from './host-key-state';
import { HostsStep } from './hosts-step';
import { NetworkStep } from './network-step';
import { findPlanResult } from './plan-facts';
import { PlanPanel, usePlan } from './plan-panel';
import { ShapeStep } from './shape-step';
import type { DraftItem } from './shape-step';
import { findStep, WIZARD_STEPS, whyClosed } from './steps';
import type { Progress, WizardStep } from './steps';
import { toDraftDrawing } from './to-draft-drawing';
import { useWizard } from './use-wizard';
import type { WizardDraft } from './wizard-draft';
import { WizardFooter } from './wizard-footer';

export interface WizardProps {
  readonly step: WizardStep;
  readonly draftId: string | null;
  readonly initial: WizardDraft;
  readonly drafts: readonly DraftItem[];
  readonly credentials: readonly CredentialView[];
  readonly userName: string;
  readonly actions: WizardActions;
  readonly CredentialDialog: ComponentType<CredentialDialogProps>;
}

function toUrl(step: WizardStep, draftId: string | null): string {
  return `/sites/new/${step}${draftId ? `?draft=${encodeURIComponent(draftId)}` : ''}`;
}

/** New site in five named steps, each with its URL; the drawing beside them grows as one types. */
export function Wizard({
  step: firstStep,
  draftId,
  initial,
  drafts,
  credentials,
  userName,
  actions,
  CredentialDialog,
}: WizardProps) {
  const router = useRouter();
  const step = findStep(usePathname().split('/')[3]) ?? firstStep;
  const [today] = useState(useNow(1000));
  const wizard = useWizard({
    draftId,
    initial,
    actions,
    onDraftId: (id) => {
      const url = toUrl(findStep(window.location.pathname.split('/')[3]) ?? firstStep, id);
      if (`${window.location.pathname}${window.location.search}` !== url)
        window.history.replaceState(null, '', url);
    },
  });
  const { draft, check } = wizard;
  const nodes = toLooseNodes(draft.document);
  const keys = useHostKeys(draft.siteId);
  const preflight = useJob(draft.preflightJobId);
  const planJob = useJob(draft.planJobId);
  const { plan, isFailed } = usePlan(findPlanResult(planJob)?.planId ?? null);
  const [preflighting, planning, running] = [
    useAction(actions.startPreflight),
    useAction(actions.startPlan),
    useAction(actions.startRun),
  ];

  const errors = check.findings.filter((finding) => finding.severity === 'error').length + check.issues.size;
  const progress: Progress = {
    hasName: draft.name.trim() !== '',
    nodes: nodes.length,
    isBuildable: errors === 0,
    problems: errors,
    unapprovedKeys: nodes.filter((node) => toHostKeyState(node.id, keys, null).kind !== 'approved').length,
  };
  const runChecks = async () => {
    const siteId = await wizard.storeSite();
    if (siteId) preflighting.run({ siteId }, ({ jobId }) => wizard.update({ preflightJobId: jobId }));
  };
  const makePlan = async () => {
    const siteId = await wizard.storeSite();
    if (siteId) planning.run({ siteId, kind: 'apply' }, ({ jobId }) => wizard.update({ planJobId: jobId }));
  };
  const goTo = (next: WizardStep) => {
    void wizard.flush();
    window.history.pushState(null, '', toUrl(next, wizard.draftId()));
    window.scrollTo({ top: 0 });
    if (next === 'checks' && !preflight) void runChecks();
    if (next === 'plan') void makePlan();
  };
  const apply = () => {
    if (!plan) return;
    running.run({ planId: plan.plan.id }, ({ runId }) => {
      const id = wizard.draftId();
      if (id) void actions.deleteDraft({ draftId: id });
      router.push(`/runs/${runId}`);
    });
  };
  const isWide = step === 'checks' || step === 'plan';
  const drawing = toDraftDrawing(draft.document, {
    name: draft.name,
    drawnBy: userName,
    date: new Date(today).toISOString().slice(0, 10),
    revision: null,
    states: toNodeMarks(
      findPreflightResult(preflight),
      nodes.map((node) => node.id),
    ),
  });
  return (
    <div className="flex flex-1 flex-col gap-4">
      <h1 className="sr-only">New site, {WIZARD_STEPS.find((each) => each.key === step)?.label}</h1>
      <StepBar
        label="Steps"
        steps={WIZARD_STEPS.map((each, index) => toStepItem(each, index, step, progress, goTo))}
      />
      <div
        className={cx(
          'grid flex-1 items-start gap-4',
          isWide
            ? 'md:grid-cols-[minmax(0,1fr)_minmax(0,20rem)]'
            : 'md:grid-cols-[minmax(0,1fr)_minmax(0,38%)]',
        )}
      >
        <div className="min-w-0">
          {step === 'shape' && <ShapeStep wizard={wizard} drafts={drafts} />}
          {step === 'hosts' && (
            <HostsStep
              wizard={wizard}
              actions={actions}
              credentials={credentials}
              CredentialDialog={CredentialDialog}
            />
          )}
          {step === 'network' && <NetworkStep wizard={wizard} />}
          {step === 'checks' && (
            <ChecksPanel
              nodes={nodes}
              job={preflight}
              isBusy={preflighting.isBusy}
              error={preflighting.error}
              reason={whyClosed('checks', progress)}
              onRun={() => void runChecks()}
            />
          )}
          {step === 'plan' && (
            <PlanPanel
              nodes={nodes}
              job={planJob}
              plan={plan}
              isFailed={isFailed}
              isBusy={planning.isBusy}
              error={planning.error ?? running.error}
              onPlan={() => void makePlan()}
            />
          )}
          {wizard.storeError && step !== 'hosts' && <ErrorPanel title={wizard.storeError} />}
        </div>
        <div className="sticky top-14 flex max-h-[calc(100vh-9rem)] min-w-0 flex-col gap-3">
          <StaticDrawing drawing={drawing} className={isWide ? 'h-80' : 'h-[52vh] min-h-72'} />
          <FindingsPanel
            findings={check.findings}
            issues={step === 'shape' ? new Map() : check.issues}
            onFix={wizard.applyFix}
          />
        </div>
      </div>
      <WizardFooter
        step={step}
        progress={progress}
        saveState={wizard.saveState}
        plan={plan}
        isApplying={running.isBusy}
        onGo={goTo}
        onApply={apply}
      />
    </div>
  );
}

function toStepItem(
  { key, label }: (typeof WIZARD_STEPS)[number],
  index: number,
  current: WizardStep,
  progress: Progress,
  goTo: (step: WizardStep) => void,
) {
  const closed = whyClosed(key, progress);
  const currentIndex = WIZARD_STEPS.findIndex((step) => step.key === current);
  const state = key === current ? 'current' : closed ? 'closed' : index < currentIndex ? 'done' : 'open';
  return {
    key,
    label,
    state,
    content: (className: string) => (
      <button
        type="button"
        aria-disabled={closed ? true : undefined}
        title={closed ?? undefined}
        className={cx(className, 'w-full text-left')}
        onClick={() => !closed && goTo(key)}
      >
        <span className="drawn-label">{index + 1}</span>
        {label}
      </button>
    ),
  } as const;
}
