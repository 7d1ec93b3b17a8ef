'use client';
import { useEffect, useRef } from 'react';
import { toDurationText } from '@/lib/core/duration';
import type { PlanStep } from '@/lib/plan/plan';
import type { RunSummary, StepSummary } from '@/lib/run/run-summary';
import { STEP_STATES } from '@/lib/run/run-states';
import { useNow } from '@/components/ui/clock';
import { cx } from '@/components/ui/cx';
import { StateGlyph } from '@/components/ui/state-mark';

interface Props {
  readonly steps: readonly PlanStep[];
  readonly summary: RunSummary;
  readonly nodeName: (nodeId: string) => string;
  readonly chosenId: string | null;
  readonly onChoose: (stepId: string | null) => void;
}

/** Steps grouped by host; choosing one shows its part of the log. */
export function StepTree({ steps, summary, nodeName, chosenId, onChoose }: Props) {
  const nowMs = useNow();
  const stateOf = new Map(summary.steps.map((step) => [step.stepId, step]));
  const listRef = useRef<HTMLElement>(null);
  useEffect(() => {
    if (chosenId !== null) showChosen(listRef.current);
  }, [chosenId]);
  const nodeIds = [...new Set(steps.map((step) => step.nodeId))];
  return (
    <nav
      ref={listRef}
      aria-label="Steps"
      className="relative min-h-0 overflow-auto border border-line bg-raised"
    >
      <button
        type="button"
        aria-pressed={chosenId === null}
        className={cx(
          'flex h-8 w-full items-center border-b border-grid px-3 text-left',
          chosenId === null ? 'bg-grid' : 'hover:bg-grid/60',
        )}
        onClick={() => onChoose(null)}
      >
        All steps, one log
      </button>
      {nodeIds.map((nodeId) => (
        <section key={nodeId} aria-label={nodeName(nodeId)}>
          <h2 className="border-b border-grid bg-paper px-3 py-1 font-mono text-13">{nodeName(nodeId)}</h2>
          <ol>
            {steps.map((step, index) =>
              step.nodeId === nodeId ? (
                <li key={step.id}>
                  <StepLine
                    number={index + 1}
                    step={step}
                    known={stateOf.get(step.id)}
                    nowMs={nowMs}
                    isChosen={step.id === chosenId}
                    onChoose={() => onChoose(step.id)}
                  />
                </li>
              ) : null,
            )}
          </ol>
        </section>
      ))}
    </nav>
  );
}

/** Scrolls the list, and only the list, to the step that is open: a page that jumps loses its reader. */
function showChosen(list: HTMLElement | null): void {
  const chosen = list?.querySelector<HTMLElement>('[aria-pressed=true]');
  if (!list || !chosen) return;
  const isAbove = chosen.offsetTop < list.scrollTop;
  const isBelow = chosen.offsetTop + chosen.offsetHeight > list.scrollTop + list.clientHeight;
  if (isAbove || isBelow) list.scrollTo({ top: chosen.offsetTop - list.clientHeight / 3 });
}

interface StepLineProps {
  readonly number: number;
  readonly step: PlanStep;
  readonly known: StepSummary | undefined;
  readonly nowMs: number;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function StepLine({ number, step, known, nowMs, isChosen, onChoose }: StepLineProps) {
  const mark = STEP_STATES[known?.state ?? 'waiting'];
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      className={cx(
        'flex min-h-7 w-full items-center gap-2 px-3 py-0.5 text-left focus-visible:outline-offset-[-2px]',
        isChosen ? 'bg-grid' : 'hover:bg-grid/60',
      )}
      onClick={onChoose}
    >
      <span className="w-6 text-right font-mono text-11 text-soft">{number}</span>
      <StateGlyph {...mark} />
      <span className="sr-only">{mark.word}: </span>
      <span className="min-w-0 flex-1 wrap-anywhere">{step.title}</span>
      <span className="font-mono text-11 whitespace-nowrap text-soft">{toTimeWords(known, nowMs)}</span>
    </button>
  );
}

function toTimeWords(known: StepSummary | undefined, nowMs: number): string {
  if (!known?.startedAt) return '';
  if (known.outcome === 'already-so') return 'already so';
  const endMs = known.finishedAt === null ? nowMs : Date.parse(known.finishedAt);
  const tries = known.attempt > 1 ? `, try ${known.attempt}` : '';
  const tookMs = endMs - Date.parse(known.startedAt);
  return (tookMs < 1000 ? '<1 s' : toDurationText(tookMs)) + tries;
}
