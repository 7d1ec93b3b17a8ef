import { SiteId } from '@/lib/core/ids';
import { Topology } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';

interface RevisionRow {
  readonly siteId: string;
  readonly revision: number;
  readonly document: string;
  readonly hash: string;
  readonly createdAt: Date;
  readonly createdBy: string;
}

export function toTopologyView(row: RevisionRow): TopologyView {
  return {
    siteId: SiteId.parse(row.siteId),
    revision: row.revision,
    etag: row.hash,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    topology: Topology.parse(JSON.parse(row.document)),
  };
}
