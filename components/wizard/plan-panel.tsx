'use client';
import { useState } from 'react';
import type { ActionError } from '@/lib/core/action-result';
import { toDurationText } from '@/lib/core/duration';
import { toCount } from '@/lib/core/text';
import type { PlanStep } from '@/lib/plan/plan';
import type { PlanView } from '@/lib/plan/plan-view';
import type { JobView } from '@/lib/run/job-view';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { DiffView } from '@/components/ui/code-view';
import { cx } from '@/components/ui/cx';
import { EmptyState, ErrorPanel, Facts, Panel, Skeleton } from '@/components/ui/panels';
import { StateMark } from '@/components/ui/state-mark';
import { CHECK_MARKS } from './checks';
import type { NamedNode } from './checks-panel';
import { PlanBundleButton } from './plan-bundle-button';
import { findPlanResult, toEstimateS, toPlanGroups } from './plan-facts';

interface Props {
  readonly nodes: readonly NamedNode[];
  readonly job: JobView | null;
  readonly plan: PlanView | null;
  readonly isFailed: boolean;
  readonly isBusy: boolean;
  readonly error: ActionError | null;
  readonly onPlan: () => void;
}

/** What will happen: steps in their order at the left, the chosen step's effect and difference beside it. */
export function PlanPanel({ nodes, job, plan, isFailed, isBusy, error, onPlan }: Props) {
  const result = findPlanResult(job);
  const isRunning = job?.state === 'queued' || job?.state === 'running';
  const again = (
    <Button isBusy={isBusy || isRunning} onClick={onPlan}>
      {result ? 'Plan again' : 'Make a plan'}
    </Button>
  );
  return (
    <div className="flex min-h-0 flex-col gap-3">
      <ActionErrorPanel error={error} />
      {job?.failure && (
        <ErrorPanel title={job.failure.message} action={again}>
          {job.failure.nextAction}
        </ErrorPanel>
      )}
      {isRunning && (
        <p role="status">
          <StateMark {...CHECK_MARKS.waiting} word={job.progress || 'waiting for a worker'} />
        </p>
      )}
      {!result && !isRunning && !job?.failure && (
        <EmptyState title="There is no plan yet" action={again}>
          A plan reads what stands on the hosts and lists the steps that bring them to this drawing. It
          changes nothing.
        </EmptyState>
      )}
      {result?.problems.map((problem, index) => (
        <ErrorPanel key={index} title={problem.message}>
          {problem.nextAction}
        </ErrorPanel>
      ))}
      {result && result.problems.length > 0 && <div>{again}</div>}
      {isFailed && <ErrorPanel title="The plan could not be read." action={again} />}
      {result?.planId && !plan && !isFailed && <Skeleton />}
      {plan && <Notices notices={plan.plan.notices} />}
      {plan &&
        (plan.plan.steps.length === 0 ? (
          <NothingToDo again={again} />
        ) : (
          <Steps plan={plan} nodes={nodes} again={again} />
        ))}
    </div>
  );
}

function Notices({ notices }: { readonly notices: readonly string[] }) {
  if (notices.length === 0) return null;
  return (
    <ul aria-label="Notices" className="flex flex-col gap-2 border border-line bg-raised p-3">
      {notices.map((notice) => (
        <li key={notice}>
          <StateMark shape="triangle" ink="degraded" word="note" className="mr-2" />
          {notice}
        </li>
      ))}
    </ul>
  );
}

function NothingToDo({ again }: { readonly again: React.ReactNode }) {
  return (
    <EmptyState title="Nothing to do" action={again}>
      The hosts are already as the drawing says.
    </EmptyState>
  );
}

const COLUMNS = [
  ['number', 'w-9'],
  ['step', ''],
  ['restarts', 'w-[20%]'],
  ['quorum during', 'w-[14%]'],
  ['time', 'w-[13%]'],
] as const;

interface StepsProps {
  readonly plan: PlanView;
  readonly nodes: readonly NamedNode[];
  readonly again: React.ReactNode;
}

function Steps({ plan: { plan, stale }, nodes, again }: StepsProps) {
  const [chosenId, setChosenId] = useState<string | null>(null);
  const chosen = plan.steps.find((step) => step.id === chosenId) ?? plan.steps[0];
  return (
    <>
      {stale && (
        <p className="border border-line bg-raised p-3">
          <StateMark shape="triangle" ink="degraded" word="outdated" className="mr-2" />
          {stale}
        </p>
      )}
      <div className="flex items-center gap-3">
        <span>
          {toCount(plan.steps.length, 'step')}, about {toDurationText(toEstimateS(plan.steps) * 1000)},
          revision {plan.revision}
        </span>
        <span className="ml-auto flex gap-2">
          <PlanBundleButton planId={plan.id} stale={stale} />
          {again}
        </span>
      </div>
      <div className="grid min-h-0 grid-cols-1 items-start gap-3 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="max-h-[70vh] overflow-auto border border-line bg-raised">
          <table aria-label="Steps in their order" className="w-full table-fixed border-collapse text-left">
            <thead className="sticky top-0 bg-raised">
              <tr className="drawn-label">
                {COLUMNS.map(([word, width]) => (
                  <th
                    key={word}
                    scope="col"
                    className={cx('h-9 border-b border-line px-2 text-left font-normal', width)}
                  >
                    {word === 'number' ? <span className="sr-only">{word}</span> : word}
                  </th>
                ))}
              </tr>
            </thead>
            {toPlanGroups(plan.steps).map((group) => (
              <tbody key={`${group.nodeId}-${group.steps[0]?.number ?? 0}`}>
                <tr>
                  <th
                    scope="rowgroup"
                    colSpan={5}
                    className="border-b border-grid bg-paper px-2 py-1 text-left font-mono font-medium"
                  >
                    {nodes.find((node) => node.id === group.nodeId)?.name ?? group.nodeId}
                  </th>
                </tr>
                {group.steps.map(({ number, step }) => (
                  <StepRow
                    key={step.id}
                    number={number}
                    step={step}
                    isChosen={step === chosen}
                    onChoose={setChosenId}
                  />
                ))}
              </tbody>
            ))}
          </table>
        </div>
        {chosen && <StepDetail step={chosen} />}
      </div>
    </>
  );
}

interface StepRowProps {
  readonly number: number;
  readonly step: PlanStep;
  readonly isChosen: boolean;
  readonly onChoose: (stepId: string) => void;
}

function StepRow({ number, step, isChosen, onChoose }: StepRowProps) {
  return (
    <tr className={cx('border-b border-grid last:border-b-0', isChosen ? 'bg-grid' : 'hover:bg-grid/60')}>
      <td className="px-2 text-right font-mono text-soft">{number}</td>
      <td className="p-0">
        <button
          type="button"
          aria-pressed={isChosen}
          className="min-h-8 w-full px-2 py-1 text-left wrap-anywhere focus-visible:outline-offset-[-2px]"
          onClick={() => onChoose(step.id)}
        >
          {step.title}
        </button>
      </td>
      <td className="px-2 font-mono text-11 wrap-anywhere">
        {step.restarts.map((unit) => unit.replace(/\.service$/, '')).join(', ') || '–'}
      </td>
      <td className="px-2 font-mono text-11">{step.quorum ?? '–'}</td>
      <td className="px-2 font-mono text-11 whitespace-nowrap">{toDurationText(step.estimateS * 1000)}</td>
    </tr>
  );
}

function StepDetail({ step }: { readonly step: PlanStep }) {
  return (
    <Panel label="this step" className="sticky top-14">
      <div className="flex flex-col gap-2 p-3">
        <h3 className="wrap-anywhere">{step.title}</h3>
        <p className="wrap-anywhere first-letter:uppercase">{step.effect}</p>
        <Facts
          entries={[
            [
              'kind',
              <span key="kind" className="font-mono">
                {step.kind}
              </span>,
            ],
            [
              'id',
              <span key="id" className="font-mono">
                {step.id}
              </span>,
            ],
          ]}
        />
        {step.diff ? (
          <DiffView diff={step.diff} className="max-h-[50vh]" />
        ) : (
          <p className="text-soft">Writes no file.</p>
        )}
      </div>
    </Panel>
  );
}
