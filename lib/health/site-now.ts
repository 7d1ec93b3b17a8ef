import { z } from 'zod';

export const VerdictState = z.enum(['healthy', 'degraded', 'down', 'stale', 'provisioning']);
export type VerdictState = z.infer<typeof VerdictState>;

/** What is known of one node at `sampledAt`; the viewer's clock decides whether that is stale. */
export const NodeNow = z.object({
  nodeId: z.string(),
  state: VerdictState,
  reasons: z.array(z.string()),
  /** ISO 8601 by the database's clock; null before the first sample. */
  sampledAt: z.string().nullable(),
  cpuPercent: z.number().nullable(),
  memoryPercent: z.number().nullable(),
  diskPercent: z.number().nullable(),
  /** Words such as "etcd leader", "VIP", "certificate due in 12 d". */
  badges: z.array(z.string()),
});
export type NodeNow = z.infer<typeof NodeNow>;

/** The one `site_now` row of a site (contract 9): written on change by the holder of its lease. */
export const SiteNowBody = z.object({
  /** Interval of the sampler, seconds: two missed ones make a node stale. */
  intervalS: z.number(),
  state: VerdictState,
  reasons: z.array(z.string()),
  nodes: z.array(NodeNow),
  observedAt: z.string(),
});
export type SiteNowBody = z.infer<typeof SiteNowBody>;
