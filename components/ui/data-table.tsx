'use client';
import {
  flexRender,
  getCoreRowModel,
  getFilteredRowModel,
  getSortedRowModel,
  useReactTable,
} from '@tanstack/react-table';
import type { ColumnDef, Header, Row, RowData, SortingState } from '@tanstack/react-table';
import { useId, useState } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';
import { toCount } from '@/lib/core/text';
import { cx } from './cx';
import { Input } from './input';

export type Columns<T extends RowData> = readonly ColumnDef<T, unknown>[];

interface Props<T extends RowData> {
  readonly label: string;
  readonly columns: Columns<T>;
  readonly rows: readonly T[];
  readonly toKey: (row: T) => string;
  /** Opens a row: by a click on it, or Enter on the focused row. */
  readonly onOpen?: (row: T) => void;
  readonly initialSort?: SortingState;
  /** Shown in place of rows when there are none at all. */
  readonly empty?: ReactNode;
  readonly filterLabel?: string;
  readonly aside?: ReactNode;
}

/** A list: sticky header, sort by header, filter by typing, rows by click or keyboard (arrows, Home, End, Enter). */
export function DataTable<T extends RowData>(props: Props<T>) {
  const { label, columns, rows, toKey, onOpen, initialSort = [], empty, filterLabel, aside } = props;
  const [sorting, setSorting] = useState<SortingState>(initialSort);
  const [filter, setFilter] = useState('');
  // eslint-disable-next-line react-hooks/incompatible-library -- the table's functions are not memoized by us
  const table = useReactTable({
    data: rows as T[], // the library asks for a mutable array and does not change it
    columns: columns as ColumnDef<T, unknown>[], // as above
    state: { sorting, globalFilter: filter },
    onSortingChange: setSorting,
    onGlobalFilterChange: setFilter,
    getRowId: toKey,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
  });
  const filterId = useId();
  const visible = table.getRowModel().rows;
  if (rows.length === 0 && empty) return <>{empty}</>;
  return (
    <div className="flex min-h-0 flex-col gap-2">
      {(filterLabel || aside) && (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
          {filterLabel && (
            <>
              <label htmlFor={filterId} className="sr-only">
                {filterLabel}
              </label>
              <Input
                id={filterId}
                type="search"
                placeholder={filterLabel}
                value={filter}
                className="max-w-72"
                onChange={(event) => setFilter(event.target.value)}
              />
            </>
          )}
          <span className="drawn-label whitespace-nowrap" aria-live="polite">
            {visible.length < rows.length && `${visible.length} of `}
            {toCount(rows.length, 'row')}
          </span>
          <span className="ml-auto">{aside}</span>
        </div>
      )}
      <div className="min-h-0 overflow-auto border border-line bg-raised">
        <table aria-label={label} className="w-full border-collapse text-left">
          <thead className="sticky top-0 z-10 bg-raised">
            <tr>
              {table
                .getHeaderGroups()
                .flatMap((group) =>
                  group.headers.map((header) => <HeaderCell key={header.id} header={header} />),
                )}
            </tr>
          </thead>
          <tbody onKeyDown={moveFocus}>
            {visible.map((row, index) => (
              <BodyRow key={row.id} row={row} isFirst={index === 0} onOpen={onOpen} />
            ))}
          </tbody>
        </table>
        {visible.length === 0 && <p className="p-4 text-soft">Nothing matches “{filter}”.</p>}
      </div>
    </div>
  );
}

const SORT_WORDS = { asc: 'ascending', desc: 'descending' } as const;

function HeaderCell<T extends RowData>({ header }: { readonly header: Header<T, unknown> }) {
  const sorted = header.column.getIsSorted();
  const content = flexRender(header.column.columnDef.header, header.getContext());
  return (
    <th
      scope="col"
      aria-sort={sorted ? SORT_WORDS[sorted] : undefined}
      className="h-8 border-b border-line px-3 text-left font-mono text-11 font-normal whitespace-nowrap text-soft"
    >
      {header.column.getCanSort() ? (
        <button type="button" className="hover:text-ink" onClick={header.column.getToggleSortingHandler()}>
          {content}
          <span aria-hidden className="ml-1 inline-block w-2">
            {sorted === 'asc' ? '↑' : sorted === 'desc' ? '↓' : ''}
          </span>
        </button>
      ) : (
        content
      )}
    </th>
  );
}

interface BodyRowProps<T extends RowData> {
  readonly row: Row<T>;
  readonly isFirst: boolean;
  readonly onOpen: ((row: T) => void) | undefined;
}

function BodyRow<T extends RowData>({ row, isFirst, onOpen }: BodyRowProps<T>) {
  const open = onOpen && (() => onOpen(row.original));
  return (
    <tr
      tabIndex={open ? (isFirst ? 0 : -1) : undefined}
      className={cx(
        'border-b border-grid last:border-b-0',
        open && 'cursor-pointer hover:bg-grid/60 focus-visible:outline-offset-[-2px]',
      )}
      onClick={(event) => {
        if (!open || isInteractive(event.target)) return;
        open();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.target === event.currentTarget) open?.();
      }}
    >
      {row.getVisibleCells().map((cell) => (
        <td key={cell.id} className="h-8 px-3 py-1 align-middle">
          {flexRender(cell.column.columnDef.cell, cell.getContext())}
        </td>
      ))}
    </tr>
  );
}

/** True for links, buttons and fields inside a row, which keep their own click. */
function isInteractive(target: EventTarget): boolean {
  return target instanceof Element && target.closest('a, button, input, select, label') !== null;
}

function moveFocus(event: KeyboardEvent<HTMLTableSectionElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLTableRowElement>('tr[tabindex]')];
  const at = rows.findIndex((row) => row === event.target);
  if (at < 0) return;
  const goals: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: rows.length - 1,
  };
  const goal = goals[event.key];
  const row = goal === undefined ? undefined : rows[goal];
  if (!row) return;
  event.preventDefault();
  row.focus();
}
