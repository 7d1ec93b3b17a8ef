'use client';
import { toDurationText } from '@/lib/core/duration';
import type { PlanStep } from '@/lib/plan/plan';
import type { RunSummary } from '@/lib/run/run-summary';
import type { StepState } from '@/lib/run/run-event';
import { STEP_STATES } from '@/lib/run/run-states';
import { useNow } from '@/components/ui/clock';
import { Badge } from '@/components/ui/state-mark';
import { toLanes, toTicks } from './lanes';

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
  readonly summary: RunSummary;
  readonly nodeName: (nodeId: string) => string;
  readonly chosenId: string | null;
  readonly onChoose: (stepId: string) => void;
}

/** One lane per host on a time axis, steps as bars; a bar opens its step. */
export function LanesView({ steps, summary, nodeName, chosenId, onChoose }: Props) {
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
