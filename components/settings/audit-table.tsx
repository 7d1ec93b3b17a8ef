'use client';
import { useState } from 'react';
import type { AuditView } from '@/lib/access/audit-view';
import type { ActionResult } from '@/lib/core/action-result';
import { toCount } from '@/lib/core/text';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { buttonClass } from '@/components/ui/button-class';
import { DataTable } from '@/components/ui/data-table';
import type { Columns } from '@/components/ui/data-table';
import { RelativeTime } from '@/components/ui/relative-time';
import { StateMark } from '@/components/ui/state-mark';
import { useAction } from '@/components/ui/use-action';

/** What a walk along the chain found; `count` and `firstBadSeq` are whole numbers as text. */
interface AuditCheck {
  readonly ok: boolean;
  readonly firstBadSeq: string | null;
  readonly why: string | null;
  readonly count: string;
}

const COLUMNS: Columns<AuditView> = [
  { id: 'at', header: 'when', accessorKey: 'at', cell: ({ row }) => <RelativeTime at={row.original.at} /> },
  { id: 'actor', header: 'who', accessorKey: 'actor' },
  {
    id: 'action',
    header: 'did',
    accessorKey: 'action',
    cell: ({ row }) => <span className="font-mono">{row.original.action}</span>,
  },
  {
    id: 'object',
    header: 'to',
    accessorKey: 'object',
    cell: ({ row }) => <span className="font-mono">{row.original.object}</span>,
  },
  {
    id: 'ip',
    header: 'from',
    accessorKey: 'ip',
    cell: ({ row }) => <span className="font-mono">{row.original.ip}</span>,
  },
  {
    id: 'detail',
    header: 'detail',
    accessorKey: 'detail',
    enableSorting: false,
    cell: ({ row }) => (
      <code className="block max-w-120 truncate font-mono text-11" title={row.original.detail}>
        {row.original.detail}
      </code>
    ),
  },
  {
    id: 'seq',
    header: 'row',
    accessorFn: (entry) => Number(entry.seq),
    cell: ({ row }) => <span className="font-mono">{row.original.seq}</span>,
  },
];

interface Props {
  readonly entries: readonly AuditView[];
  /** Where older entries stand, or null. */
  readonly olderHref: string | null;
  readonly verifyAudit: () => Promise<ActionResult<AuditCheck>>;
}

/** Who did what; each row is chained to the one before by its hash, and the chain can be checked. */
export function AuditTable({ entries, olderHref, verifyAudit }: Props) {
  const verify = useAction<void, AuditCheck>(verifyAudit);
  const [result, setResult] = useState<AuditCheck | null>(null);
  return (
    <div className="flex flex-col gap-3">
      <ActionErrorPanel error={verify.error} />
      {result && (
        <p role="status">
          {result.ok ? (
            <StateMark
              shape="circle"
              ink="healthy"
              word={`the chain of ${toCount(Number(result.count), 'row')} is whole`}
            />
          ) : (
            <StateMark
              shape="square-bar"
              ink="down"
              word={`the chain is broken at row ${result.firstBadSeq ?? '?'}: ${result.why ?? ''}`}
            />
          )}
        </p>
      )}
      <DataTable
        label="Audit"
        columns={COLUMNS}
        rows={entries}
        toKey={(entry) => entry.seq}
        filterLabel="Filter these rows"
        aside={
          <span className="flex gap-2">
            <Button isBusy={verify.isBusy} onClick={() => verify.run(undefined, setResult)}>
              Check the chain
            </Button>
            <a href="/api/v1/audit?format=jsonl" download className={buttonClass()}>
              Export
            </a>
          </span>
        }
      />
      {olderHref && (
        <a href={olderHref} className={buttonClass({ className: 'self-start' })}>
          Older rows
        </a>
      )}
    </div>
  );
}
