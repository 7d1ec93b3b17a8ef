import { z } from 'zod';
import type { HostTarget } from '@/lib/ssh/target';

/** What the parent hands to a worker process, as JSON on standard input. */
export const SoakWorkerInput = z.object({
  databaseUrl: z.string(),
  /** Name in leases. */
  holder: z.string(),
  ttlMs: z.int(),
  /** Private seal key, PEM. With it the worker plans and does jobs as in the product, for real sites. */
  sealKey: z.string().optional(),
});
export type SoakWorkerInput = z.infer<typeof SoakWorkerInput>;

/** A host of a trial. It stands, as JSON, in the `facts` column of the plan's row, where the worker finds it. */
export interface SoakHost {
  readonly nodeId: string;
  readonly target: HostTarget;
  /** Directory below which its paths are; empty for a whole host. */
  readonly root: string;
}
