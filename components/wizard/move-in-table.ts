import type { KeyboardEvent } from 'react';

type Step = readonly [rows: number, columns: number];

const STEPS: Readonly<Record<string, Step>> = {
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
};

/** The button of a cell; row headers have buttons of their own, which Tab reaches. */
function findButton(row: HTMLTableRowElement | undefined, column: number): HTMLElement | null {
  return row?.cells[column]?.querySelector<HTMLElement>('td > button') ?? null;
}

/** Arrow keys move the focus from cell to cell of a table, over empty cells and group headings; Home and End along a row. */
export function moveInTable(event: KeyboardEvent<HTMLElement>): void {
  const cell = event.target instanceof HTMLElement ? event.target.closest('td') : null;
  const row = cell?.closest('tr');
  const table = row?.closest('table');
  if (!cell || !row || !table) return;
  const rows = [...table.rows];
  let goal: HTMLElement | null = null;
  if (event.key === 'Home' || event.key === 'End') {
    const buttons = [...row.querySelectorAll<HTMLElement>('td > button')];
    goal = buttons.at(event.key === 'Home' ? 0 : -1) ?? null;
  } else {
    const step = STEPS[event.key];
    if (!step) return;
    let [at, column] = [rows.indexOf(row), cell.cellIndex];
    while (!goal) {
      at += step[0];
      column += step[1];
      if (at < 0 || at >= rows.length || column < 1 || column >= row.cells.length) return;
      goal = findButton(rows[at], column);
    }
  }
  if (!goal) return;
  event.preventDefault();
  goal.focus();
  goal.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}
