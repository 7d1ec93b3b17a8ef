import { z } from 'zod';
import { SiteId } from '@/lib/core/ids';
import { Pattern } from './topology';

/** A site in a list. `state` is the verdict as last stored; the viewer ages it. */
export const SiteView = z.object({
  id: SiteId,
  name: z.string(),
  pattern: Pattern,
  revision: z.int(),
  appliedRevision: z.int().nullable(),
  servers: z.int(),
  agents: z.int(),
  loadBalancers: z.int(),
  rke2Version: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
  /** JSON of `SiteNowBody`, or null before the first sample. */
  now: z.unknown().nullable(),
  activeRun: z.object({ id: z.string(), state: z.string(), steps: z.int(), stepsDone: z.int() }).nullable(),
});
export type SiteView = z.infer<typeof SiteView>;
