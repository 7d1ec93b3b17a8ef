import { z } from 'zod';
import { SiteId } from '@/lib/core/ids';
import { Topology } from './topology';

/** A stored revision. `etag` is the hash of the canonical document, for If-Match. */
export const TopologyView = z.object({
  siteId: SiteId,
  revision: z.int(),
  etag: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
  topology: Topology,
});
export type TopologyView = z.infer<typeof TopologyView>;

/** A revision in a list. */
export const RevisionView = z.object({
  revision: z.int(),
  etag: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
  isApplied: z.boolean(),
});
export type RevisionView = z.infer<typeof RevisionView>;
