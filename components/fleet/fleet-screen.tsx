'use client';
import Link from 'next/link';
import { usePathname, useRouter, useSearchParams } from 'next/navigation';
import type { StateInk, StateMark as Mark } from '@/lib/core/state-mark';
import { toCount } from '@/lib/core/text';
import { toSiteMark, toDataTimeMs } from '@/lib/diagram/verdict-mark';
import type { SiteView } from '@/lib/topology/site-view';
import { findSiteNow } from '@/components/live/site-now';
import { useSites } from '@/components/live/use-live';
import { useServerNow } from '@/components/live/use-server-now';
import { Button } from '@/components/ui/button';
import { buttonClass } from '@/components/ui/button-class';
import { DataTable } from '@/components/ui/data-table';
import type { Columns } from '@/components/ui/data-table';
import { EmptyState } from '@/components/ui/panels';
import { StateMark } from '@/components/ui/state-mark';
import { toDurationText } from '@/lib/core/duration';

interface FleetRow {
  readonly site: SiteView;
  readonly mark: Mark;
  readonly reason: string;
  readonly dataAge: string;
}

/** Worst first. */
const SEVERITY: Readonly<Partial<Record<StateInk, number>>> = {
  down: 0,
  degraded: 1,
  stale: 2,
  provisioning: 3,
  'ink-soft': 4,
  healthy: 5,
};

const COLUMNS: Columns<FleetRow> = [
  {
    id: 'name',
    header: 'site',
    accessorFn: (row) => row.site.name,
    cell: ({ row }) => (
      <Link
        href={`/sites/${row.original.site.id}/topology`}
        className="font-mono font-medium hover:underline"
      >
        {row.original.site.name}
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'state',
    accessorFn: (row) => SEVERITY[row.mark.ink] ?? 9,
    cell: ({ row }) => (
      <span className="flex flex-wrap items-center gap-x-3">
        <StateMark {...row.original.mark} />
        <span className="text-soft">{row.original.reason}</span>
      </span>
    ),
  },
  { id: 'pattern', header: 'pattern', accessorFn: (row) => row.site.pattern },
  {
    id: 'nodes',
    header: 'nodes',
    accessorFn: (row) => row.site.servers + row.site.agents + row.site.loadBalancers,
    cell: ({ row: { original } }) => toNodeWords(original.site),
  },
  {
    id: 'version',
    header: 'rke2',
    accessorFn: (row) => row.site.rke2Version,
    cell: ({ row }) => <span className="font-mono">{row.original.site.rke2Version}</span>,
  },
  {
    id: 'revision',
    header: 'revision',
    accessorFn: (row) => row.site.revision,
    cell: ({ row: { original } }) => toRevisionWords(original.site),
  },
  { id: 'age', header: 'data age', accessorKey: 'dataAge', enableSorting: false },
];

function toNodeWords({ servers, agents, loadBalancers }: SiteView): string {
  const parts = [toCount(servers, 'server')];
  if (agents > 0) parts.push(toCount(agents, 'agent'));
  if (loadBalancers > 0) parts.push(toCount(loadBalancers, 'load balancer'));
  return parts.join(', ');
}

function toRevisionWords({ revision, appliedRevision }: SiteView): string {
  if (appliedRevision === null) return `${revision}, none applied`;
  return appliedRevision === revision ? `${revision}, applied` : `${revision}, applied ${appliedRevision}`;
}

function toRow(site: SiteView, nowMs: number): FleetRow {
  const now = findSiteNow(site);
  return {
    site,
    mark: toSiteMark({ ...site, now }, nowMs),
    reason: now?.reasons[0] ?? '',
    dataAge: now ? toDurationText(nowMs - toDataTimeMs(now)) : '–',
  };
}

/** What the wizard asks for, in its order. */
const STEPS = [
  ['Shape', 'name and pattern'],
  ['Hosts', 'addresses and keys'],
  ['Network', 'release and Cilium'],
  ['Checks', 'read, not changed'],
  ['Plan', 'each step and file'],
] as const;

/** All sites, worst first; a state in the URL leaves only those. */
export function FleetScreen({
  sites: initial,
  refusal,
}: {
  readonly sites: readonly SiteView[];
  readonly refusal: string | null;
}) {
  const router = useRouter();
  const pathname = usePathname();
  const wanted = useSearchParams().get('state');
  const sites = useSites(initial);
  const nowMs = useServerNow();
  const all = sites.map((site) => toRow(site, nowMs));
  const rows = wanted === null ? all : all.filter((row) => row.mark.ink === wanted);
  const newSite = refusal ? (
    <Button look="primary" reason={refusal}>
      New site
    </Button>
  ) : (
    <Link href="/sites/new/shape" className={buttonClass({ look: 'primary' })}>
      New site
    </Link>
  );
  if (sites.length === 0) {
    return (
      <EmptyState title="No site yet" action={newSite}>
        <p>A site is a place with one RKE2 cluster. You draw it, and watch the same drawing live.</p>
        <ol className="mt-4 grid grid-cols-5 border border-grid text-left">
          {STEPS.map(([step, what], index) => (
            <li key={step} className="border-r border-grid p-2 last:border-r-0">
              <span className="drawn-label block">{index + 1}</span>
              <b className="block font-medium text-ink">{step}</b>
              {what}
            </li>
          ))}
        </ol>
      </EmptyState>
    );
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <div className="flex flex-wrap items-center gap-4">
        <h1>Fleet</h1>
        <ul aria-label="States" className="flex flex-wrap gap-2">
          {toTotals(all).map(({ mark, count }) => (
            <li key={mark.ink}>
              <Link
                href={wanted === mark.ink ? pathname : `${pathname}?state=${mark.ink}`}
                aria-current={wanted === mark.ink ? 'true' : undefined}
                className={buttonClass({
                  isCompact: true,
                  className: wanted === mark.ink ? 'border-accent' : '',
                })}
              >
                <b className="font-mono font-medium">{count}</b>
                <StateMark {...mark} />
              </Link>
            </li>
          ))}
        </ul>
        <span className="ml-auto">{newSite}</span>
      </div>
      <DataTable
        label="Sites"
        columns={COLUMNS}
        rows={rows}
        toKey={(row) => row.site.id}
        onOpen={(row) => router.push(`/sites/${row.site.id}/topology`)}
        initialSort={[{ id: 'state', desc: false }]}
        filterLabel="Filter sites"
      />
    </div>
  );
}

const GENERAL_WORDS: Readonly<Partial<Record<StateInk, string>>> = {
  stale: 'no data',
  provisioning: 'run under way',
  'ink-soft': 'not built yet',
};

/** How many sites are in which state, worst first. */
function toTotals(rows: readonly FleetRow[]): readonly { mark: Mark; count: number }[] {
  const totals = new Map<StateInk, { mark: Mark; count: number }>();
  for (const { mark } of rows) {
    const known = totals.get(mark.ink);
    totals.set(mark.ink, {
      mark: { ...mark, word: GENERAL_WORDS[mark.ink] ?? mark.word },
      count: (known?.count ?? 0) + 1,
    });
  }
  return [...totals.values()].sort((a, b) => (SEVERITY[a.mark.ink] ?? 9) - (SEVERITY[b.mark.ink] ?? 9));
}
