'use client';
import Link from 'next/link';
import { useMemo, useState } from 'react';
import type { Plan, PlanStep } from '@/lib/plan/plan';
import { runCan } from '@/lib/run/run-can';
import type { RunAnswer } from '@/lib/run/run-can';
import type { RunState } from '@/lib/run/run-event';
import { RUN_STATES } from '@/lib/run/run-states';
import type { RunSummary } from '@/lib/run/run-summary';
import type { RunView } from '@/lib/run/run-view';
import type { RunTail } from '@/components/live/run-tail';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { buttonClass } from '@/components/ui/button-class';
import { CopyButton } from '@/components/ui/copy-button';
import { cx } from '@/components/ui/cx';
import { useAction } from '@/components/ui/use-action';
import { LogLines, toPlainText } from './log-lines';
import type { RunActions, RunRefusals } from './run-actions';
import { listDependants, toStepName } from './run-words';
import { SetFence } from './set-fence';
import { SkipDialog } from './skip-dialog';

interface Props {
  readonly run: RunView;
  readonly summary: RunSummary;
  readonly tail: RunTail;
  readonly plan: Plan;
  /** Why a step must not be cut or skipped, by step id, for the few that must not. */
  readonly uninterruptible: Readonly<Record<string, string>>;
  readonly nodeName: (nodeId: string) => string;
  readonly refusals: RunRefusals;
  readonly actions: RunActions;
}

/** Frame and headline in the colour of the end. */
const LOOKS: Readonly<Record<RunState, { readonly frame: string; readonly text?: string }>> = {
  queued: { frame: 'border-line' },
  running: { frame: 'border-line' },
  done: { frame: 'border-line' },
  cancelled: { frame: 'border-line' },
  failed: { frame: 'border-down', text: 'text-down' },
  unreachable: { frame: 'border-stale' },
  'needs-attention': { frame: 'border-degraded', text: 'text-degraded' },
};

/** How an ended run that is not done came to its end, what to do next, and the buttons that do it. */
export function FailurePanel(props: Props) {
  const { run, summary, tail, plan, nodeName } = props;
  const { cause, state } = summary;
  if (!RUN_STATES[state].isTerminal || state === 'done') return null;
  const step = plan.steps.find((each) => each.id === cause?.stepId) ?? null;
  const others = summary.steps.filter((each) => each.state === 'failed' && each.stepId !== cause?.stepId);
  const isQuiet = state === 'cancelled';
  const look = LOOKS[state];
  return (
    <section
      role="alert"
      aria-label="How the run ended"
      className={cx('flex flex-col gap-2 border bg-raised p-4', look.frame)}
    >
      <div className="flex flex-wrap items-baseline gap-x-3">
        <p className={cx('min-w-0 flex-1 basis-60 font-medium wrap-anywhere', look.text)}>
          {cause
            ? `${step ? `Step ${plan.steps.indexOf(step) + 1} of ${plan.steps.length}: ` : ''}${cause.failure.message}`
            : toEndWords(summary)}
        </p>
        {cause && <code className="drawn-label">cause {cause.failure.code}</code>}
      </div>
      {cause && (
        <p className="wrap-anywhere">
          <strong className="font-medium">What to do: </strong>
          {cause.failure.nextAction}
        </p>
      )}
      {isQuiet && <p>What is finished stays finished; Resume goes on with what is left.</p>}
      {others.length > 0 && (
        <ul aria-label="Other steps that failed" className="list-disc pl-5">
          {others.map((each) => (
            <li key={each.stepId} className="wrap-anywhere">
              {nodeName(plan.steps.find(({ id }) => id === each.stepId)?.nodeId ?? '')}:{' '}
              {each.failure?.message ?? toStepName(plan, each.stepId)}
            </li>
          ))}
        </ul>
      )}
      {state === 'needs-attention' && step && <Evidence step={step} tail={tail} />}
      <WaysOn {...props} step={step} key={`${run.id} ${summary.finishedAt ?? ''}`} />
    </section>
  );
}

function toEndWords({ state, stepsDone, stepsTotal, cancelRequestedBy }: RunSummary): string {
  const done = `${stepsDone} of ${stepsTotal} steps are done`;
  return state === 'cancelled' && cancelRequestedBy
    ? `Cancelled by ${cancelRequestedBy}; ${done}.`
    : `The run ended: ${RUN_STATES[state].word}; ${done}.`;
}

/** Lines of output that stand beside a cause. */
const EVIDENCE_LINES = 12;

/** What exactly ran, and the end of what it said, for a person who has to decide. */
function Evidence({ step, tail }: { readonly step: PlanStep; readonly tail: RunTail }) {
  const output = useMemo(() => {
    const lines = new LogLines(new Map());
    lines.add(tail.newest.filter(({ body }) => body.type === 'step.output' && body.stepId === step.id));
    return lines.lines
      .slice(-EVIDENCE_LINES)
      .map((line) => toPlainText(line.text))
      .join('\n');
  }, [tail, step.id]);
  const command = `${step.kind} ${JSON.stringify(step.params)}`;
  return (
    <dl className="grid gap-2 lg:grid-cols-2">
      <Quoted name="what ran" text={command} />
      <Quoted name="the end of its output" text={output || 'It said nothing.'} />
    </dl>
  );
}

function Quoted({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <div className="min-w-0 border border-grid">
      <dt className="drawn-label flex items-center justify-between pl-2">
        {name}
        <CopyButton isIcon text={text} label={`Copy ${name}`} />
      </dt>
      <dd className="max-h-36 overflow-auto border-t border-grid p-2 font-mono text-11 wrap-anywhere whitespace-pre-wrap">
        {text}
      </dd>
    </div>
  );
}

const toReason = (answer: RunAnswer): string | null => (answer.allowed ? null : answer.reason);

/** Retry or resume, and skip: each with the reason where it cannot be used. */
function WaysOn(props: Props & { readonly step: PlanStep | null }) {
  const { run, summary, plan, step, uninterruptible, nodeName, refusals, actions } = props;
  const [isSkipping, setIsSkipping] = useState(false);
  const retry = useAction(actions.retryRun);
  const resume = useAction(actions.resumeRun);
  // The plan itself is what is wrong: another try of it would end the same way.
  const isStale = summary.cause?.failure.code === 'plan-stale';
  const hostEpoch = summary.cause?.failure.hostEpoch;
  const situation = { ...run, state: summary.state };
  const stepState = summary.steps.find((each) => each.stepId === step?.id)?.state ?? 'waiting';
  const isCutShort = summary.state === 'unreachable' || summary.state === 'cancelled';
  const skipReason = step
    ? toReason(runCan.skip({ ...situation, stepState, uninterruptible: uninterruptible[step.id] ?? null }))
    : null;
  return (
    <>
      <div className="mt-1 flex flex-wrap items-center gap-2">
        {isStale ? (
          <Link href={`/sites/${run.siteId}/plan`} className={buttonClass({ look: 'primary' })}>
            Plan again
          </Link>
        ) : isCutShort ? (
          <Button
            look="primary"
            isBusy={resume.isBusy}
            reason={refusals.control ?? toReason(runCan.resume(situation))}
            onClick={() => resume.run(run.id)}
          >
            Resume
          </Button>
        ) : (
          <Button
            look="primary"
            isBusy={retry.isBusy}
            reason={refusals.control ?? toReason(runCan.retry(situation))}
            onClick={() => retry.run(run.id)}
          >
            Retry from the failed step
          </Button>
        )}
        {step && !isCutShort && (
          <Button reason={refusals.control ?? skipReason} onClick={() => setIsSkipping(true)}>
            Skip this step…
          </Button>
        )}
        {hostEpoch !== undefined && step && (
          <SetFence
            siteId={run.siteId}
            nodeId={step.nodeId}
            nodeName={nodeName(step.nodeId)}
            epoch={hostEpoch}
            refusal={refusals.fence}
            setFence={actions.setFence}
          />
        )}
      </div>
      <ActionErrorPanel error={retry.error ?? resume.error} />
      {step && (
        <SkipDialog
          isOpen={isSkipping}
          onClose={() => setIsSkipping(false)}
          runId={run.id}
          step={step}
          number={plan.steps.indexOf(step) + 1}
          dependants={listDependants(plan, step.id)}
          nodeName={nodeName}
          skipStep={actions.skipStep}
        />
      )}
    </>
  );
}
