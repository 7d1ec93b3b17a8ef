import { z } from 'zod';
import { NodeId, SiteId } from '@/lib/core/ids';

export const PlanKind = z.enum(['apply', 'uninstall']);
export type PlanKind = z.infer<typeof PlanKind>;

/**
 * One step as data: a kind of `lib/steps` and its parameters, never a script (contract 4). `id` is a hash of node,
 * kind and parameters, so that the same work has the same id in every plan.
 */
export const PlanStep = z.object({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  nodeId: NodeId,
  kind: z.string(),
  params: z.record(z.string(), z.unknown()),
  title: z.string(),
  dependsOn: z.array(z.string()),
  /** What a person should expect, one sentence: "restarts rke2-server on s2; quorum 2 of 3 while it does". */
  effect: z.string(),
  /** Units that this step restarts or starts. */
  restarts: z.array(z.string()),
  /** Voting servers left while this step runs, e.g. "2 of 3"; null when it does not touch quorum. */
  quorum: z.string().nullable(),
  /** Expected duration, seconds. */
  estimateS: z.number(),
  /** Unified diff of the file that this step writes, with secret slots; null for steps that write none. */
  diff: z.string().nullable(),
});
export type PlanStep = z.infer<typeof PlanStep>;

/** Ordered steps (a topological order of `dependsOn`) that bring hosts from `factsHash` to a topology revision. */
export const Plan = z.object({
  schemaVersion: z.literal(1),
  id: z.string(),
  siteId: SiteId,
  kind: PlanKind,
  revision: z.int(),
  factsHash: z.string(),
  steps: z.array(PlanStep),
  /** What a person should know beside the steps, a sentence each; none in plans stored before there were any. */
  notices: z.array(z.string()).default([]),
});
export type Plan = z.infer<typeof Plan>;
