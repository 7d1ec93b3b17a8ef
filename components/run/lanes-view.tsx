'use client';
import { useCallback } from 'react';
import { toDurationText } from '@/lib/core/duration';
import type { PlanStep } from '@/lib/plan/plan';
import type { RunSummary } from '@/lib/run/run-summary';
import type { StepState } from '@/lib/run/run-event';
import { runCan } from '@/lib/run/run-can';
import { RUN_STATES, STEP_STATES } from '@/lib/run/run-states';
import type { RunView } from '@/lib/run/run-view';
import { Button } from '@/components/ui/button';
import { useNow } from '@/components/ui/clock';
import { Badge } from '@/components/ui/state-mark';
import { useAction } from '@/components/ui/use-action';
import { toLanes, toTicks } from './lanes';
import type { RunActions } from './run-actions';

/** Bars in colour and pattern: work under way is hatched, a failure has a heavy frame. */
const BAR_FILLS: Readonly<Record<StepState, { fill: string; opacity: number; stroke: string }>> = {
  waiting: { fill: 'none', opacity: 1, stroke: 'var(--line)' },
  probing: { fill: 'var(--provisioning)', opacity: 0.35, stroke: 'var(--provisioning)' },
  acting: { fill: 'var(--provisioning)', opacity: 0.35, stroke: 'var(--provisioning)' },
  verifying: { fill: 'var(--provisioning)', opacity: 0.35, stroke: 'var(--provisioning)' },
  done: { fill: 'var(--ink-soft)', opacity: 0.35, stroke: 'var(--ink-soft)' },
  failed: { fill: 'var(--down)', opacity: 0.5, stroke: 'var(--down)' },
  skipped: { fill: 'none', opacity: 1, stroke: 'var(--ink-soft)' },
  cancelled: { fill: 'none', opacity: 1, stroke: 'var(--ink-soft)' },
};
const WIDTH = 1000;
const LANE = 28;

interface Props {
  readonly steps: readonly PlanStep[];
  readonly run: RunView;
  readonly summary: RunSummary;
  readonly nodeName: (nodeId: string) => string;
  readonly chosenId: string | null;
  readonly onChoose: (stepId: string) => void;
  /** Why the viewer may not control the run; null when they may. */
  readonly refusal: string | null;
  readonly retryRun: RunActions['retryRun'];
}

/** One lane per host on a time axis, steps as bars; a bar opens its step. */
export function LanesView({ steps, run, summary, nodeName, chosenId, onChoose, ...rest }: Props) {
  const nowMs = useNow();
  const { lanes, lengthMs } = toLanes(steps, summary, nowMs);
  const ticks = toTicks(lengthMs);
  const height = lanes.length * LANE;
  return (
    <div className="flex border border-line bg-raised">
      <div className="shrink-0 border-r border-grid pt-6">
        {lanes.map((lane) => (
          <div key={lane.nodeId} className="flex h-7 items-center gap-2 px-3 font-mono">
            {nodeName(lane.nodeId)}
            {lane.isLost && <Badge>lost</Badge>}
            {lanes.length > 1 && (
              <RetryHost
                {...rest}
                run={run}
                summary={summary}
                steps={steps}
                nodeId={lane.nodeId}
                name={nodeName(lane.nodeId)}
              />
            )}
          </div>
        ))}
      </div>
      <div className="relative min-w-0 flex-1">
        <div aria-hidden className="relative h-6">
          {ticks.map((tick) => (
            <Tick key={tick} tick={tick} lengthMs={lengthMs} />
          ))}
        </div>
        <svg
          viewBox={`0 0 ${WIDTH} ${height}`}
          preserveAspectRatio="none"
          width="100%"
          height={height}
          className="block"
          role="group"
          aria-label="Steps on the time axis"
        >
          {ticks.map((tick) => (
            <path
              key={tick}
              d={`M${(tick / lengthMs) * WIDTH} 0V${height}`}
              stroke="var(--grid)"
              vectorEffect="non-scaling-stroke"
            />
          ))}
          {lanes.flatMap((lane, index) =>
            lane.bars.map((bar) => (
              <rect
                key={bar.stepId}
                x={bar.from * WIDTH}
                y={index * LANE + 5}
                width={Math.max(3, bar.span * WIDTH)}
                height={LANE - 10}
                fill={BAR_FILLS[bar.state].fill}
                fillOpacity={BAR_FILLS[bar.state].opacity}
                stroke={bar.stepId === chosenId ? 'var(--accent)' : BAR_FILLS[bar.state].stroke}
                strokeWidth={bar.stepId === chosenId || bar.state === 'failed' ? 2 : 1}
                vectorEffect="non-scaling-stroke"
                className="cursor-pointer"
                onClick={() => onChoose(bar.stepId)}
              >
                <title>{`${bar.title}, ${STEP_STATES[bar.state].word}, ${toDurationText(bar.span * lengthMs)}`}</title>
              </rect>
            )),
          )}
        </svg>
      </div>
    </div>
  );
}

interface RetryHostProps extends Pick<Props, 'steps' | 'run' | 'summary' | 'refusal' | 'retryRun'> {
  readonly nodeId: string;
  readonly name: string;
}

/** Where a run with several hosts stopped: one of them tried again, the others left as they are. */
function RetryHost({ steps, run, summary, nodeId, name, refusal, retryRun }: RetryHostProps) {
  const retry = useCallback((runId: string) => retryRun(runId, nodeId), [retryRun, nodeId]);
  const { run: start, isBusy, error } = useAction(retry);
  const own = new Set(steps.flatMap((step) => (step.nodeId === nodeId ? [step.id] : [])));
  const stepStates = summary.steps.flatMap(({ stepId, state }) => (own.has(stepId) ? [state] : []));
  const isStopped = stepStates.some((state) => state === 'failed' || state === 'cancelled');
  if (!RUN_STATES[summary.state].isTerminal || !isStopped) return null;
  const answer = runCan.retryHost({ ...run, state: summary.state, stepStates });
  return (
    <Button
      isCompact
      look="quiet"
      className="ml-auto font-sans"
      aria-label={`Retry this host, ${name}`}
      isBusy={isBusy}
      reason={refusal ?? error?.message ?? (answer.allowed ? null : answer.reason)}
      onClick={() => start(run.id)}
    >
      Retry this host
    </Button>
  );
}

/** A mark's time, placed by an SVG so that no style attribute is needed. */
function Tick({ tick, lengthMs }: { readonly tick: number; readonly lengthMs: number }) {
  return (
    <svg className="absolute inset-0 size-full overflow-visible">
      <text
        x={`${(tick / lengthMs) * 100}%`}
        y="16"
        dx={4}
        className="font-mono"
        fontSize={11}
        fill="var(--ink-soft)"
      >
        {toDurationText(tick)}
      </text>
    </svg>
  );
}
