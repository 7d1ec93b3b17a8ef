import { z } from 'zod';
import { Plan, PlanKind } from './plan';

/** A stored plan and whether it may still be run. */
export const PlanView = z.object({
  plan: Plan,
  siteName: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
  /** Why it may not be run any more, in words; null while it may. */
  stale: z.string().nullable(),
  /** Newest run of this plan. */
  runId: z.string().nullable(),
});
export type PlanView = z.infer<typeof PlanView>;

export const PlanListItem = z.object({
  id: z.string(),
  kind: PlanKind,
  revision: z.int(),
  steps: z.int(),
  createdAt: z.string(),
  createdBy: z.string(),
});
export type PlanListItem = z.infer<typeof PlanListItem>;
