'use client';
import { useRouter } from 'next/navigation';
import type { HostKeyView } from '@/lib/access/host-key-view';
import { toNodeMark } from '@/lib/diagram/verdict-mark';
import type { StateMark as Mark } from '@/lib/core/state-mark';
import type { NodeNow } from '@/lib/health/site-now';
import type { SiteView } from '@/lib/topology/site-view';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { findSiteNow } from '@/components/live/site-now';
import { useHostKeys, useSite } from '@/components/live/use-live';
import { useServerNow } from '@/components/live/use-server-now';
import { Changing } from '@/components/ui/changing';
import { DataTable } from '@/components/ui/data-table';
import type { Columns } from '@/components/ui/data-table';
import { EmptyState } from '@/components/ui/panels';
import { StateMark } from '@/components/ui/state-mark';

interface NodeRow {
  readonly node: TopologyNode;
  readonly now: NodeNow | null;
  readonly mark: Mark;
  readonly hostKey: string;
}

const NOT_WATCHED: Mark = { ink: 'ink-soft', shape: 'ring', word: 'not watched yet' };

function toPercent(value: number | null | undefined): string {
  return value == null ? '–' : `${Math.round(value)} %`;
}

const COLUMNS: Columns<NodeRow> = [
  {
    id: 'name',
    header: 'node',
    accessorFn: (row) => row.node.name,
    cell: ({ row }) => <span className="font-mono font-medium">{row.original.node.name}</span>,
  },
  {
    id: 'state',
    header: 'state',
    accessorFn: (row) => row.mark.word,
    cell: ({ row }) => (
      <span className="flex flex-wrap items-center gap-x-3">
        <StateMark {...row.original.mark} />
        <span className="text-soft">{row.original.now?.reasons[0]}</span>
      </span>
    ),
  },
  { id: 'role', header: 'role', accessorFn: (row) => row.node.role },
  {
    id: 'address',
    header: 'address',
    accessorFn: (row) => row.node.internalIp,
    cell: ({ row }) => <span className="font-mono">{row.original.node.internalIp}</span>,
  },
  { id: 'zone', header: 'zone', accessorFn: (row) => row.node.zone || '–' },
  {
    id: 'cpu',
    header: 'cpu',
    accessorFn: (row) => row.now?.cpuPercent ?? -1,
    cell: ({ row }) => <Changing value={toPercent(row.original.now?.cpuPercent)} />,
  },
  {
    id: 'memory',
    header: 'memory',
    accessorFn: (row) => row.now?.memoryPercent ?? -1,
    cell: ({ row }) => <Changing value={toPercent(row.original.now?.memoryPercent)} />,
  },
  {
    id: 'disk',
    header: 'disk',
    accessorFn: (row) => row.now?.diskPercent ?? -1,
    cell: ({ row }) => <Changing value={toPercent(row.original.now?.diskPercent)} />,
  },
  {
    id: 'key',
    header: 'host key',
    accessorKey: 'hostKey',
    cell: ({ row }) => <span className="font-mono text-11">{row.original.hostKey}</span>,
  },
];

interface Props {
  readonly site: SiteView;
  readonly topology: Topology;
  readonly hostKeys: readonly HostKeyView[];
}

/** Nodes of a site with what is known of them; a row shows its plate on the drawing. */
export function NodesTable({ site: initialSite, topology, hostKeys: initialKeys }: Props) {
  const router = useRouter();
  const site = useSite(initialSite);
  const keys = useHostKeys(initialSite.id, initialKeys);
  const nowMs = useServerNow();
  const now = site && findSiteNow(site);
  const rows = topology.nodes.map((node): NodeRow => {
    const known = now?.nodes.find((each) => each.nodeId === node.id);
    const key = keys.find(
      (each) => each.nodeId === node.id && each.approvedAt !== null && each.revokedAt === null,
    );
    return {
      node,
      now: known ?? null,
      mark: now ? toNodeMark(known, now.intervalS, nowMs) : NOT_WATCHED,
      hostKey: key ? key.fingerprint : 'not approved',
    };
  });
  return (
    <DataTable
      label="Nodes"
      columns={COLUMNS}
      rows={rows}
      toKey={(row) => row.node.id}
      onOpen={(row) =>
        router.push(`/sites/${initialSite.id}/topology?node=${encodeURIComponent(row.node.id)}`)
      }
      filterLabel="Filter nodes"
      empty={
        <EmptyState title="No node yet">
          Add hosts to the topology of this site; they stand here with their state.
        </EmptyState>
      }
    />
  );
}
