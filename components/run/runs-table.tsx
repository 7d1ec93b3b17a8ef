'use client';
import { useRouter } from 'next/navigation';
import { RUN_STATES, toRunWord } from '@/lib/run/run-states';
import type { RunPage, RunView } from '@/lib/run/run-view';
import { useRuns } from '@/components/live/use-live';
import { DataTable } from '@/components/ui/data-table';
import type { Columns } from '@/components/ui/data-table';
import { EmptyState } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateMark } from '@/components/ui/state-mark';
import { toRunTime } from './run-time';

const SITE: Columns<RunView>[number] = { id: 'site', header: 'site', accessorKey: 'siteName' };
const COLUMNS: Columns<RunView> = [
  {
    id: 'state',
    header: 'state',
    accessorFn: toRunWord,
    cell: ({ row }) => <StateMark {...RUN_STATES[row.original.state]} word={toRunWord(row.original)} />,
  },
  { id: 'kind', header: 'what', accessorFn: (run) => `${run.kind} revision ${run.revision}` },
  {
    id: 'steps',
    header: 'steps',
    accessorKey: 'stepsDone',
    cell: ({ row }) => (
      <span className="font-mono">
        {row.original.stepsDone} of {row.original.steps}
      </span>
    ),
  },
  {
    id: 'created',
    header: 'started',
    accessorKey: 'createdAt',
    cell: ({ row }) => <RelativeTime at={row.original.createdAt} />,
  },
  {
    id: 'time',
    header: 'took',
    accessorFn: toRunTime,
    enableSorting: false,
    cell: ({ row }) => <span className="font-mono">{toRunTime(row.original)}</span>,
  },
  { id: 'by', header: 'by', accessorKey: 'createdBy' },
  {
    id: 'id',
    header: 'run',
    accessorKey: 'id',
    cell: ({ row }) => <span className="font-mono text-11">{row.original.id}</span>,
  },
];
const COLUMNS_WITH_SITE: Columns<RunView> = [...COLUMNS.slice(0, 1), SITE, ...COLUMNS.slice(1)];

interface Props {
  /** Runs that the page brought along; the live ones take their place. */
  readonly page: RunPage;
  readonly siteId: string | null;
}

/** Runs of all sites or of one, newest first; a row opens its run. */
export function RunsTable({ page, siteId }: Props) {
  const router = useRouter();
  const live = useRuns();
  const byId = new Map([...page.runs, ...live].map((run) => [run.id, run]));
  const rows = [...byId.values()].filter((run) => siteId === null || run.siteId === siteId);
  return (
    <>
      <DataTable
        label="Runs"
        columns={siteId === null ? COLUMNS_WITH_SITE : COLUMNS}
        rows={rows}
        toKey={(run) => run.id}
        onOpen={(run) => router.push(`/runs/${run.id}`)}
        initialSort={[{ id: 'created', desc: true }]}
        filterLabel="Filter runs"
        empty={
          <EmptyState title="No run yet">
            A run is one execution of a plan. It begins with Apply on a plan, and stays here with its whole
            log.
          </EmptyState>
        }
      />
      <HistoryEnd page={page} />
    </>
  );
}

/** What the list does not show, and why. */
function HistoryEnd({ page: { runs, next, limits, cut } }: { readonly page: RunPage }) {
  return (
    <>
      {next !== null && (
        <p className="text-soft">The newest {runs.length} runs are shown; there are older ones.</p>
      )}
      {cut && (
        <p className="text-soft">
          {cut.runs.toLocaleString('en')} {cut.runs === 1 ? 'run' : 'runs'} of all sites{' '}
          {cut.runs === 1 ? 'is' : 'are'} no longer kept, the newest of them made{' '}
          <RelativeTime at={cut.newestAt} />: the history holds {limits.maxRunsKept.toLocaleString('en')}{' '}
          ended runs, and the oldest go first.
        </p>
      )}
    </>
  );
}
