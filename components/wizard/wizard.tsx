'use client';
import { usePathname } from 'next/navigation';
import { useState } from 'react';
import type { ComponentType } from 'react';
import type { CredentialView } from '@/lib/access/credential-view';
import { StaticDrawing } from '@/components/diagram/static-drawing';
import { useHostKeys } from '@/components/live/use-live';
import { useNow } from '@/components/ui/clock';
import { cx } from '@/components/ui/cx';
import { ErrorPanel } from '@/components/ui/panels';
import { StepBar } from '@/components/ui/step-bar';
import type { StepItem } from '@/components/ui/step-bar';
import type { CredentialDialogProps, WizardActions } from './actions';
import { toNodeMarks } from './checks';
import { ChecksPanel } from './checks-panel';
import { toLooseNodes, toReached } from './document';
import { FindingsPanel } from './findings-panel';
import { listHostKeyEntries } from './host-key-state';
import { HostsStep } from './hosts-step';
import { NetworkStep } from './network-step';
import { PlanPanel } from './plan-panel';
import { ShapeStep } from './shape-step';
import type { DraftItem } from './shape-step';
import { findStep, WIZARD_STEPS, whyClosed } from './steps';
import type { Progress, WizardStep } from './steps';
import { toDraftDrawing } from './to-draft-drawing';
import { useStepFocus } from './use-step-focus';
import { useWizard } from './use-wizard';
import type { Wizard as WizardState } from './use-wizard';
import { useWizardWork } from './use-wizard-work';
import type { WizardWork } from './use-wizard-work';
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

function findStepOfUrl(pathname: string): WizardStep | null {
  return findStep(pathname.split('/')[3]);
}

/** New site in five named steps, each with its URL; the drawing beside them grows as one types. */
export function Wizard(props: WizardProps) {
  const step = findStepOfUrl(usePathname()) ?? props.step;
  const wizard = useWizard({
    draftId: props.draftId,
    initial: props.initial,
    actions: props.actions,
    onDraftId: (id) => {
      const url = toUrl(findStepOfUrl(window.location.pathname) ?? props.step, id);
      const isThere = `${window.location.pathname}${window.location.search}` === url;
      if (!isThere) window.history.replaceState(null, '', url);
    },
  });
  const work = useWizardWork(wizard, props.actions);
  const progress = useProgress(wizard);
  const body = useStepFocus(step);
  const goTo = (next: WizardStep) => {
    void wizard.flush();
    window.history.pushState(null, '', toUrl(next, wizard.draftId()));
    window.scrollTo({ top: 0 });
    if (next === 'checks') void work.ensureChecks();
    if (next === 'plan') void work.makePlan();
  };
  const isWide = step === 'checks' || step === 'plan';
  return (
    <div className="flex flex-1 flex-col gap-4">
      <h1 id="wizard-step" className="sr-only">
        New site, {WIZARD_STEPS.find((each) => each.key === step)?.label}
      </h1>
      <StepBar label="Steps" steps={toStepItems(step, progress, goTo)} />
      <div
        className={cx(
          'grid flex-1 items-start gap-4',
          isWide
            ? 'md:grid-cols-[minmax(0,1fr)_15rem] lg:grid-cols-[minmax(0,1fr)_17rem]'
            : 'md:grid-cols-[minmax(0,1fr)_minmax(0,34%)]',
        )}
      >
        <section
          ref={body}
          tabIndex={-1}
          aria-labelledby="wizard-step"
          className="flex min-w-0 flex-col gap-4 outline-none"
        >
          <StepBody {...props} step={step} wizard={wizard} work={work} progress={progress} />
          {wizard.storeError && step !== 'hosts' && <ErrorPanel title={wizard.storeError} />}
        </section>
        <Beside wizard={wizard} work={work} userName={props.userName} step={step} isSmall={isWide} />
      </div>
      <WizardFooter
        step={step}
        progress={progress}
        saveState={wizard.saveState}
        plan={work.plan}
        checksRefusal={work.checks.view?.refusal ?? null}
        isApplying={work.isApplying}
        onGo={goTo}
        onApply={work.apply}
      />
    </div>
  );
}

/** How far the form is: what decides which steps are open. */
function useProgress({ draft, check }: WizardState): Progress {
  const keys = useHostKeys(draft.siteId);
  const nodes = toLooseNodes(draft.document);
  const problems =
    check.issues.size + check.findings.filter((finding) => finding.severity === 'error').length;
  return {
    hasName: draft.name.trim() !== '',
    nodes: nodes.length,
    isBuildable: problems === 0,
    problems,
    unapprovedKeys: nodes
      .flatMap((node) => listHostKeyEntries(toReached(node), keys, null))
      .filter(({ state }) => state.kind !== 'approved').length,
  };
}

interface StepBodyProps extends WizardProps {
  readonly wizard: WizardState;
  readonly work: WizardWork;
  readonly progress: Progress;
}

function StepBody({ step, wizard, work, progress, ...props }: StepBodyProps) {
  const nodes = toLooseNodes(wizard.draft.document);
  switch (step) {
    case 'shape':
      return <ShapeStep wizard={wizard} drafts={props.drafts} deleteDraft={props.actions.deleteDraft} />;
    case 'hosts':
      return (
        <HostsStep
          wizard={wizard}
          actions={props.actions}
          credentials={props.credentials}
          CredentialDialog={props.CredentialDialog}
        />
      );
    case 'network':
      return <NetworkStep wizard={wizard} />;
    case 'checks':
      return (
        <ChecksPanel
          nodes={nodes}
          checks={work.checks}
          actions={props.actions}
          runReason={whyClosed('checks', progress)}
          onRunAll={() => void work.runChecks()}
        />
      );
    case 'plan':
      return (
        <PlanPanel
          nodes={nodes}
          job={work.planJob}
          plan={work.plan}
          isFailed={work.isPlanUnreadable}
          isBusy={work.isPlanning}
          error={work.planError}
          onPlan={() => void work.makePlan()}
        />
      );
  }
}

interface BesideProps {
  readonly wizard: WizardState;
  readonly work: WizardWork;
  readonly userName: string;
  readonly step: WizardStep;
  readonly isSmall: boolean;
}

/** The drawing and what the rules say to it, once there was a step to heed them in. */
function Beside({ wizard: { draft, check, applyFix }, work, userName, step, isSmall }: BesideProps) {
  const [today] = useState(useNow());
  const nodeIds = toLooseNodes(draft.document).map((node) => node.id);
  const drawing = toDraftDrawing(draft.document, {
    name: draft.name,
    drawnBy: userName,
    date: new Date(today).toISOString().slice(0, 10),
    revision: null,
    states: toNodeMarks(work.checks.view?.result ?? null, nodeIds),
  });
  return (
    <div className="sticky top-14 flex max-h-[calc(100vh-186px)] min-w-0 flex-col gap-3">
      <StaticDrawing drawing={drawing} className={isSmall ? 'h-80' : 'h-[52vh] min-h-72'} />
      {step !== 'shape' && <FindingsPanel findings={check.findings} issues={check.issues} onFix={applyFix} />}
    </div>
  );
}

function toStepItems(
  current: WizardStep,
  progress: Progress,
  goTo: (step: WizardStep) => void,
): readonly StepItem[] {
  const currentIndex = WIZARD_STEPS.findIndex((step) => step.key === current);
  return WIZARD_STEPS.map(({ key, label }, index) => {
    const closed = whyClosed(key, progress);
    return {
      key,
      label,
      state: key === current ? 'current' : closed ? 'closed' : index < currentIndex ? 'done' : 'open',
      content: (className) => (
        <button
          type="button"
          aria-disabled={closed ? true : undefined}
          title={closed ?? undefined}
          className={cx(className, 'w-full text-left')}
          onClick={() => !closed && goTo(key)}
        >
          <span className="drawn-label">{index + 1}</span>
          <span className={cx('truncate', key !== current && 'max-sm:sr-only')}>{label}</span>
        </button>
      ),
    };
  });
}
