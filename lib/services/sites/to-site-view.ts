import type { SiteView } from '@/lib/topology/site-view';
import { SiteId } from '@/lib/core/ids';
import type { Prisma } from '@/lib/db/generated/client';
import { Topology } from '@/lib/topology/topology';

/** What a SiteView is made from. */
export const SITE_ROW = {
  id: true,
  name: true,
  createdAt: true,
  createdBy: true,
  appliedRevision: true,
  now: { select: { body: true } },
  revisions: { select: { revision: true, document: true }, orderBy: { revision: 'desc' }, take: 1 },
  runs: {
    select: { id: true, state: true, steps: true, stepsDone: true },
    where: { state: { in: ['queued', 'running'] } },
    orderBy: { createdAt: 'desc' },
    take: 1,
  },
} as const satisfies Prisma.SiteSelect;

type SiteRow = Prisma.SiteGetPayload<{ select: typeof SITE_ROW }>;

export function toSiteView(row: SiteRow): SiteView {
  const newest = row.revisions[0];
  const topology = Topology.parse(newest ? JSON.parse(newest.document) : { pattern: 'custom' });
  const count = (role: string) => topology.nodes.filter((node) => node.role === role).length;
  return {
    id: SiteId.parse(row.id),
    name: row.name,
    pattern: topology.pattern,
    revision: newest?.revision ?? 0,
    appliedRevision: row.appliedRevision,
    servers: count('server'),
    agents: count('agent'),
    loadBalancers: count('lb'),
    rke2Version: topology.rke2.version,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    now: row.now ? (JSON.parse(row.now.body) as unknown) : null,
    activeRun: row.runs[0] ?? null,
  };
}
