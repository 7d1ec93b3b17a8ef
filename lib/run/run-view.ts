import { z } from 'zod';
import { RunId, SiteId } from '@/lib/core/ids';
import { PlanKind } from '@/lib/plan/plan';
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
  cancelRequested: z.boolean(),
  createdAt: z.string(),
  createdBy: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
});
export type RunView = z.infer<typeof RunView>;
