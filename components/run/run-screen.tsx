'use client';
import { useCallback, useMemo, useState } from 'react';
import { toBytesText } from '@/lib/core/duration';
import type { Plan } from '@/lib/plan/plan';
import { RUN_LIMITS } from '@/lib/run/limits';
import { RUN_STATES } from '@/lib/run/run-states';
import type { RunNote } from '@/lib/run/run-summary';
import type { RunView } from '@/lib/run/run-view';
import type { RunTail } from '@/components/live/run-tail';
import { useNow } from '@/components/ui/clock';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateMark } from '@/components/ui/state-mark';
import { FailurePanel } from './failure-panel';
import { LanesView } from './lanes-view';
import { LogView } from './log-view';
import type { RunActions, RunRefusals } from './run-actions';
import { RunHead } from './run-head';
import { toPresentWords } from './run-words';
import { StepTree } from './step-tree';
import { useLineHash } from './use-line-hash';
import { useRunLog } from './use-run-log';
import type { RunLog } from './use-run-log';

interface Props {
  readonly run: RunView;
  readonly tail: RunTail;
  readonly plan: Plan;
  readonly nodeNames: Readonly<Record<string, string>>;
  /** Why a step must not be cut or skipped, by step id, for the few that must not. */
  readonly uninterruptible: Readonly<Record<string, string>>;
  readonly refusals: RunRefusals;
  readonly actions: RunActions;
}

/** One run: what became of it, lanes on a time axis, the step tree and the log. */
export function RunScreen({
  run: initialRun,
  tail,
  plan,
  nodeNames,
  uninterruptible,
  refusals,
  actions,
}: Props) {
  const log = useRunLog(initialRun, tail, plan.steps);
  const { summary, run } = log;
  const [chosen, setChosen] = useState<string | null | undefined>(undefined);
  const [markedId, setMarkedId] = useLineHash();
  const nodeName = useCallback((nodeId: string) => nodeNames[nodeId] ?? nodeId, [nodeNames]);
  const steps = useMemo(
    () =>
      new Map(plan.steps.map(({ id, nodeId, title }, index) => [id, { nodeId, title, number: index + 1 }])),
    [plan],
  );
  // Until somebody chooses, the step that failed is open.
  const chosenId =
    chosen === undefined ? (markedId === null ? (summary.cause?.stepId ?? null) : null) : chosen;
  return (
    <div className="flex min-h-[calc(100vh-76px)] flex-col gap-3 md:h-[calc(100vh-76px)]">
      <RunHead log={log} refusals={refusals} cancelRun={actions.cancelRun} nodeName={nodeName} />
      <FailurePanel
        {...log}
        plan={plan}
        uninterruptible={uninterruptible}
        nodeName={nodeName}
        refusals={refusals}
        actions={actions}
      />
      <Present log={log} plan={plan} nodeName={nodeName} />
      <Notes notes={summary.notes} nodeName={nodeName} />
      {run.logDroppedAt === null ? (
        <>
          <LanesView
            steps={plan.steps}
            run={run}
            summary={summary}
            nodeName={nodeName}
            chosenId={chosenId}
            onChoose={setChosen}
            refusal={refusals.control}
            retryRun={actions.retryRun}
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
              stepId={chosenId}
              steps={steps}
              tail={log.tail}
              nodeName={nodeName}
              isLive={!RUN_STATES[summary.state].isTerminal}
              markedId={markedId}
              onMark={setMarkedId}
            />
          </div>
        </>
      ) : (
        <LogDropped at={run.logDroppedAt} />
      )}
    </div>
  );
}

type NodeName = (nodeId: string) => string;

/** What is true right now, while something dies or ends. */
function Present(props: { readonly log: RunLog; readonly plan: Plan; readonly nodeName: NodeName }) {
  const { log, plan, nodeName } = props;
  const nowMs = useNow();
  const { run, summary, tail } = log;
  const isCancelling = run.cancelRequested || summary.cancelRequestedBy !== null;
  const words = toPresentWords({ plan, summary, notes: tail.notes, isCancelling, nodeName, nowMs });
  if (words.length === 0) return null;
  return (
    <ul aria-label="Right now" className="border border-degraded bg-raised px-3 py-2">
      {words.map((word) => (
        <li key={word.slice(0, 24)} className="flex gap-2">
          <StateMark shape="triangle" ink="degraded" word="" />
          <span className="min-w-0 wrap-anywhere">{word}</span>
        </li>
      ))}
    </ul>
  );
}

/** So many of what happened on the way are shown; all of it stands in the log. */
const SHOWN_NOTES = 4;

function Notes({ notes, nodeName }: { readonly notes: readonly RunNote[]; readonly nodeName: NodeName }) {
  const [isWhole, setIsWhole] = useState(false);
  if (notes.length === 0) return null;
  const shown = isWhole ? notes : notes.slice(-SHOWN_NOTES);
  const hidden = notes.length - shown.length;
  return (
    <ul
      aria-label="What happened on the way"
      className="max-h-40 shrink-0 overflow-auto border-l-2 border-degraded pl-3"
    >
      {hidden > 0 && (
        <li>
          <button
            type="button"
            className="text-soft hover:text-ink hover:underline"
            onClick={() => setIsWhole(true)}
          >
            {hidden} earlier
          </button>
        </li>
      )}
      {shown.map((note) => (
        <li key={note.seq} className="wrap-anywhere">
          <RelativeTime at={note.at} className="text-soft" />{' '}
          {note.nodeId && <b className="font-mono font-medium">{nodeName(note.nodeId)} </b>}
          {note.text}
        </li>
      ))}
    </ul>
  );
}

function LogDropped({ at }: { readonly at: string }) {
  const kept = toBytesText(RUN_LIMITS.maxLogBytesKept);
  return (
    <div className="squared flex min-h-72 flex-1 flex-col items-center justify-center border border-grid p-8 text-center">
      <div className="max-w-160 border border-line bg-paper p-6">
        <h2>The log of this run is no longer kept</h2>
        <p className="text-soft">
          All runs together keep {kept} of output; the oldest logs go first. This one went{' '}
          <RelativeTime at={at} />, and with it what became of each step. How the run ended stays in the
          history, up to {RUN_LIMITS.maxRunsKept.toLocaleString('en')} runs.
        </p>
      </div>
    </div>
  );
}
