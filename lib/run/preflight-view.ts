import { z } from 'zod';
import { JobView, PreflightResult, PreflightScope } from './job-view';

/**
 * Where an override stands. `active`: it lets its red cell pass. `used`: a run was started with it. `lapsed`: the check
 * was run again and found something else. `revoked`: a person took it back. Only `active` counts for the next run.
 */
export const OverrideState = z.enum(['active', 'used', 'lapsed', 'revoked']);
export type OverrideState = z.infer<typeof OverrideState>;

/** A red cell that a person lets pass, with their reason; times as ISO 8601. */
export const CheckOverrideView = z.object({
  id: z.string(),
  nodeId: z.string(),
  checkId: z.string(),
  title: z.string(),
  /** What the check had found when it was overridden. */
  value: z.string(),
  /** SHA-256 of all of it; null for one from before it was kept. */
  valueHash: z.string().nullable(),
  reason: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
  state: OverrideState,
  /** The run that was started with it. */
  runId: z.string().nullable(),
});
export type CheckOverrideView = z.infer<typeof CheckOverrideView>;

/** What stands in the way of Apply: a red cell, or a host that was not reached (`checkId` null: it cannot be overridden). */
export const CheckBlocker = z.object({
  nodeId: z.string(),
  nodeName: z.string(),
  checkId: z.string().nullable(),
  title: z.string(),
  value: z.string(),
  threshold: z.string(),
});
export type CheckBlocker = z.infer<typeof CheckBlocker>;

/** The checks of a site as they stand: every cell as it was last found, and what that means for Apply. */
export const PreflightView = z.object({
  siteId: z.string(),
  /** Newest revision of the topology. */
  revision: z.int(),
  /** The newest whole preflight with all later ones laid over it; null before there is one. */
  result: PreflightResult.nullable(),
  /** The newest preflight job, and what it was asked for. */
  job: JobView.nullable(),
  scope: PreflightScope,
  /** Those of this topology's cells that are active, lapsed or used by the newest run; newest first. */
  overrides: z.array(CheckOverrideView),
  /** Why the cells no longer speak for the site, in words; null while they do. */
  stale: z.string().nullable(),
  /** Red cells that nobody let pass. */
  blockers: z.array(CheckBlocker),
  /** Why Apply is refused on account of the checks, in words; null when it is not. */
  refusal: z.string().nullable(),
});
export type PreflightView = z.infer<typeof PreflightView>;
