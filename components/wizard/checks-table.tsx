import type { ReactNode } from 'react';
import type { StateMark } from '@/lib/core/state-mark';
import { cx } from '@/components/ui/cx';
import { StateGlyph } from '@/components/ui/state-mark';

/** A host as the tables of checks name it. */
export interface NamedNode {
  readonly id: string;
  readonly name: string;
}

/** Name of a host; its id where it is no longer drawn. */
export function nameOf(nodes: readonly NamedNode[], nodeId: string): string {
  return nodes.find((node) => node.id === nodeId)?.name ?? nodeId;
}

/** Width of the names of rows, pixels. */
export const HEAD_WIDTH = 216;
/** The least that a host's cells need, pixels. */
const CELL_WIDTH = 100;

interface ChecksTableProps {
  readonly label: string;
  readonly columns: number;
  /** Said below the table in place of rows. */
  readonly empty: string | null;
  readonly isBusy?: boolean;
  /** Of the box that scrolls. */
  readonly className?: string;
  readonly children: ReactNode;
}

/** A table with a column per host, which scrolls in a box of its own. */
export function ChecksTable({ label, columns, empty, isBusy, className, children }: ChecksTableProps) {
  return (
    <div className={cx('relative', className, 'overflow-auto border border-line bg-raised')}>
      <table
        aria-label={label}
        aria-busy={isBusy}
        className="w-full table-fixed border-separate border-spacing-0 text-left"
        style={{ minWidth: HEAD_WIDTH + columns * CELL_WIDTH }}
      >
        {children}
      </table>
      {empty !== null && <p className="p-4 text-soft">{empty}</p>}
    </div>
  );
}

interface CheckButtonProps {
  readonly mark: StateMark;
  readonly turns: boolean;
  /** What the cell is about, for those who do not see the table. */
  readonly names: string;
  readonly words: string;
  readonly title?: string;
  readonly isChosen: boolean;
  /** True for the one cell that the Tab key reaches; arrow keys move on from there. */
  readonly isTabStop: boolean;
  readonly onStop: () => void;
  /** The button to anchor the sheet at; null closes it. */
  readonly onChoose: (button: HTMLElement | null) => void;
  readonly children?: ReactNode;
}

/** A cell: shape and words, with a sheet behind it. */
export function CheckButton({ mark, turns, names, words, title = words, ...rest }: CheckButtonProps) {
  const { isChosen, isTabStop, onStop, onChoose, children } = rest;
  return (
    <button
      type="button"
      aria-haspopup="dialog"
      aria-expanded={isChosen}
      tabIndex={isTabStop ? 0 : -1}
      title={title}
      className={cx(
        'flex h-8 w-full min-w-0 items-center gap-1.5 px-2 text-left hover:bg-grid focus-visible:outline-offset-[-2px]',
        isChosen && 'bg-grid',
      )}
      onFocus={onStop}
      onClick={(event) => onChoose(isChosen ? null : event.currentTarget)}
    >
      <StateGlyph shape={mark.shape} ink={mark.ink} turns={turns && mark.turns === true} />
      <span className="sr-only">
        {names}, {mark.word}:{' '}
      </span>
      <span className="truncate">{words}</span>
      {children}
    </button>
  );
}

/** A cell that says nothing: a sign, and what it means. */
export function EmptyCell({ sign, words }: { readonly sign: string; readonly words: string }) {
  return (
    <span className="px-2 text-soft">
      <span aria-hidden>{sign}</span>
      <span className="sr-only">{words}</span>
    </span>
  );
}
