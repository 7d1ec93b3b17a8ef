import type { PlanStep } from '@/lib/plan/plan';
import type { StepState } from '@/lib/run/run-event';
import type { RunSummary } from '@/lib/run/run-summary';

export interface LaneBar {
  readonly stepId: string;
  readonly title: string;
  readonly state: StepState;
  /** Start and width as shares of the axis, 0 to 1. */
  readonly from: number;
  readonly span: number;
}

export interface Lane {
  readonly nodeId: string;
  readonly isLost: boolean;
  readonly bars: readonly LaneBar[];
}

export interface Lanes {
  readonly lanes: readonly Lane[];
  /** Length of the axis, milliseconds. */
  readonly lengthMs: number;
}

/** One lane per host on a time axis from the run's start to its end or now; bars are steps that have begun. */
export function toLanes(steps: readonly PlanStep[], summary: RunSummary, nowMs: number): Lanes {
  const startMs = summary.startedAt === null ? nowMs : Date.parse(summary.startedAt);
  const endMs = summary.finishedAt === null ? nowMs : Date.parse(summary.finishedAt);
  const lengthMs = Math.max(1000, endMs - startMs);
  const stateOf = new Map(summary.steps.map((step) => [step.stepId, step]));
  const lanes = [...new Set(steps.map((step) => step.nodeId))].map((nodeId) => ({
    nodeId,
    isLost: summary.lostNodes.includes(nodeId),
    bars: steps.flatMap((step): LaneBar[] => {
      const known = stateOf.get(step.id);
      if (step.nodeId !== nodeId || !known?.startedAt) return [];
      const fromMs = Math.max(0, Date.parse(known.startedAt) - startMs);
      const toMs = (known.finishedAt === null ? endMs : Date.parse(known.finishedAt)) - startMs;
      const span = Math.max(0, Math.min(lengthMs, toMs) - fromMs) / lengthMs;
      return [
        {
          stepId: step.id,
          title: step.title,
          state: known.state,
          from: Math.min(1, fromMs / lengthMs),
          span,
        },
      ];
    }),
  }));
  return { lanes, lengthMs };
}

const TICK_STEPS_MS = [
  1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
];

/** A mark this near to the end would have its time written beyond the axis; share of the axis. */
const LAST_TICK = 0.94;

/** Places of the marks on an axis, about six, at round times; milliseconds from the start. */
export function toTicks(lengthMs: number): readonly number[] {
  const step = TICK_STEPS_MS.find((each) => lengthMs / each <= 7) ?? 7_200_000;
  return Array.from({ length: Math.floor((lengthMs * LAST_TICK) / step) + 1 }, (_, index) => index * step);
}
