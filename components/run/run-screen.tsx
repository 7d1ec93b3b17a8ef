'use client';
import Link from 'next/link';
import { useCallback, useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import { toDurationText } from '@/lib/core/duration';
import type { Plan } from '@/lib/plan/plan';
import { runCan } from '@/lib/run/run-can';
import type { RunEvent, RunState } from '@/lib/run/run-event';
import { RUN_STATES } from '@/lib/run/run-states';
import type { RunView } from '@/lib/run/run-view';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { buttonClass } from '@/components/ui/button-class';
import { useNow } from '@/components/ui/clock';
import { ErrorPanel } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateMark } from '@/components/ui/state-mark';
import { useAction } from '@/components/ui/use-action';
import { LanesView } from './lanes-view';
import { LogView } from './log-view';
import { StepTree } from './step-tree';
import { useLineHash } from './use-line-hash';
import { useRunLog } from './use-run-log';
import type { RunLog } from './use-run-log';

type RunAction = (input: { runId: string }) => Promise<ActionResult<RunView>>;

interface Props {
  readonly run: RunView;
  readonly events: readonly RunEvent[];
  readonly plan: Plan;
  readonly nodeNames: Readonly<Record<string, string>>;
  /** Why the viewer may not control the run; null when they may. */
  readonly refusal: string | null;
  readonly cancelRun: RunAction;
  readonly retryRun: RunAction;
}

/** One run: what became of it, lanes on a time axis, the step tree and the log. */
export function RunScreen({ run: initialRun, events, plan, nodeNames, refusal, cancelRun, retryRun }: Props) {
  const log = useRunLog(initialRun, events, plan.steps);
  const { summary, lines, run } = log;
  const [chosen, setChosen] = useState<string | null | undefined>(undefined);
  const [markedId, setMarkedId] = useLineHash();
  const nodeName = useCallback((nodeId: string) => nodeNames[nodeId] ?? nodeId, [nodeNames]);
  // Until somebody chooses, the step that failed is open.
  const chosenId =
    chosen === undefined ? (markedId === null ? (summary.cause?.stepId ?? null) : null) : chosen;
  const isLive = !RUN_STATES[summary.state].isTerminal;
  const shown = chosenId === null ? lines : lines.filter((line) => line.stepId === chosenId);
  return (
    <div className="flex min-h-[calc(100vh-76px)] flex-col gap-3 md:h-[calc(100vh-76px)]">
      <RunHead log={log} refusal={refusal} cancelRun={cancelRun} retryRun={retryRun} planId={plan.id} />
      {summary.cause && (
        <ErrorPanel title={toCauseTitle(summary.cause.stepId, plan) + summary.cause.failure.message}>
          <strong className="font-medium">What to do: </strong>
          {summary.cause.failure.nextAction}
        </ErrorPanel>
      )}
      {summary.notes.length > 0 && (
        <ul aria-label="What happened on the way" className="border-l-2 border-degraded pl-3">
          {summary.notes.map((note) => (
            <li key={note.seq}>
              <RelativeTime at={note.at} className="text-soft" />{' '}
              {note.nodeId && <b className="font-mono font-medium">{nodeName(note.nodeId)} </b>}
              {note.text}
            </li>
          ))}
        </ul>
      )}
      <LanesView
        steps={plan.steps}
        summary={summary}
        nodeName={nodeName}
        chosenId={chosenId}
        onChoose={setChosen}
      />
      <div className="grid min-h-96 flex-1 grid-cols-1 gap-3 md:grid-cols-[minmax(16rem,24rem)_minmax(0,1fr)]">
        <StepTree
          steps={plan.steps}
          summary={summary}
          nodeName={nodeName}
          chosenId={chosenId}
          onChoose={setChosen}
        />
        <LogView
          key={chosenId ?? 'all'}
          runId={run.id}
          lines={shown}
          nodeName={nodeName}
          isLive={isLive}
          markedId={markedId}
          onMark={setMarkedId}
        />
      </div>
    </div>
  );
}

/** The failure's own words name the host and the step; its number is where it stands in the plan. */
function toCauseTitle(stepId: string | null, plan: Plan): string {
  const index = plan.steps.findIndex((step) => step.id === stepId);
  return index < 0 ? '' : `Step ${index + 1} of ${plan.steps.length}: `;
}

/** A run that was cut short goes on; one that failed tries its step again. */
const RETRY_WORDS: Readonly<Partial<Record<RunState, string>>> = {
  cancelled: 'Go on where it was cancelled',
  unreachable: 'Go on where the host was lost',
};

interface HeadProps {
  readonly log: RunLog;
  readonly planId: string;
  readonly refusal: string | null;
  readonly cancelRun: RunAction;
  readonly retryRun: RunAction;
}

function RunHead({ log: { run, summary }, refusal, cancelRun, retryRun }: HeadProps) {
  const nowMs = useNow();
  const cancel = useAction(cancelRun);
  const retry = useAction(retryRun);
  const situation = {
    state: summary.state,
    cancelRequested: run.cancelRequested || summary.cancelRequestedBy !== null,
  };
  const [canCancel, canRetry] = [runCan.cancel(situation), runCan.retry(situation)];
  const isOver = RUN_STATES[summary.state].isTerminal;
  const endMs = summary.finishedAt === null ? nowMs : Date.parse(summary.finishedAt);
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1>
          {run.kind === 'apply' ? 'Apply' : 'Uninstall'} revision {run.revision} on{' '}
          <Link href={`/sites/${run.siteId}/topology`} className="hover:underline">
            {run.siteName}
          </Link>
        </h1>
        <span role="status">
          <StateMark {...RUN_STATES[summary.state]} className="text-15" />
        </span>
        <span className="font-mono">
          {summary.stepsDone} of {summary.stepsTotal} steps
        </span>
        {summary.startedAt && (
          <span className="font-mono text-soft">{toDurationText(endMs - Date.parse(summary.startedAt))}</span>
        )}
        <span className="text-soft">
          started by {run.createdBy} <RelativeTime at={run.createdAt} />
        </span>
        <span className="ml-auto flex gap-2">
          {summary.state === 'done' ? (
            <Link href={`/sites/${run.siteId}/topology`} className={buttonClass({ look: 'primary' })}>
              Open the drawing
            </Link>
          ) : isOver ? (
            <Button
              look="primary"
              isBusy={retry.isBusy}
              reason={refusal ?? (canRetry.allowed ? null : canRetry.reason)}
              onClick={() => retry.run({ runId: run.id })}
            >
              {RETRY_WORDS[summary.state] ?? 'Retry from the step that failed'}
            </Button>
          ) : (
            <Button
              look="danger"
              isBusy={cancel.isBusy}
              reason={refusal ?? (canCancel.allowed ? null : canCancel.reason)}
              onClick={() => cancel.run({ runId: run.id })}
            >
              Cancel the run
            </Button>
          )}
        </span>
      </div>
      <ActionErrorPanel error={cancel.error ?? retry.error} />
    </div>
  );
}
