import { z } from 'zod';
import { RunId, SiteId } from '@/lib/core/ids';
import { PlanKind } from '@/lib/plan/plan';
import type { RUN_LIMITS } from './limits';
import { RunState } from './run-event';

/** A row of a list of runs. */
export const RunView = z.object({
  id: RunId,
  siteId: SiteId,
  siteName: z.string(),
  planId: z.string(),
  kind: PlanKind,
  revision: z.int(),
  state: RunState,
  steps: z.int(),
  stepsDone: z.int(),
  /** Of `stepsDone`, those that a person left out: the run did not bring about all of its revision. */
  stepsSkipped: z.int(),
  /** The one host that is tried again; null for a run of all hosts. */
  onlyNodeId: z.string().nullable(),
  cancelRequested: z.boolean(),
  /** Bytes of step output in the log. */
  logBytes: z.int(),
  /** Since then the log is no longer kept (`RUN_LIMITS`); the run itself still is. */
  logDroppedAt: z.string().nullable(),
  createdAt: z.string(),
  createdBy: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
});
export type RunView = z.infer<typeof RunView>;

/** What retention took away: so many runs, the newest of them made at `newestAt` (ISO 8601). */
export const HistoryCut = z.object({ runs: z.int(), newestAt: z.string() });
export type HistoryCut = z.infer<typeof HistoryCut>;

/** A page of runs, newest first; `next` is the cursor of the following page or null. */
export interface RunPage {
  readonly runs: RunView[];
  readonly next: string | null;
  readonly limits: typeof RUN_LIMITS;
  /** Null while nothing was cut. */
  readonly cut: HistoryCut | null;
}
