import type { StateMark } from '@/lib/core/state-mark';
import type { CheckCell, JobView, PreflightResult } from '@/lib/run/job-view';

/** How the three outcomes of a check look; the fourth is for cells that have none yet. */
export const CHECK_MARKS: Readonly<Record<CheckCell['status'] | 'waiting', StateMark>> = {
  ok: { ink: 'healthy', shape: 'circle', word: 'ok' },
  warn: { ink: 'degraded', shape: 'triangle', word: 'warning' },
  fail: { ink: 'down', shape: 'square-bar', word: 'fails' },
  waiting: { ink: 'provisioning', shape: 'half-circle', word: 'checking', turns: true },
};

const RANK: Readonly<Record<CheckCell['status'], number>> = { ok: 0, warn: 1, fail: 2 };

export interface CheckRow {
  readonly checkId: string;
  readonly title: string;
  /** By node id. */
  readonly cells: ReadonlyMap<string, CheckCell>;
  readonly worst: CheckCell['status'];
}

/** The result of a preflight job, null before there is one. */
export function findPreflightResult(job: JobView | null): PreflightResult | null {
  return (job?.result as PreflightResult | null | undefined) ?? null; // the worker checks it against its schema
}

/** Cells as rows of checks, the worst first, then in the order in which the checks come. */
export function toCheckRows(cells: readonly CheckCell[]): readonly CheckRow[] {
  const rows = new Map<
    string,
    { title: string; cells: Map<string, CheckCell>; worst: CheckCell['status'] }
  >();
  for (const cell of cells) {
    const row = rows.get(cell.checkId) ?? { title: cell.title, cells: new Map(), worst: 'ok' };
    row.cells.set(cell.nodeId, cell);
    if (RANK[cell.status] > RANK[row.worst]) row.worst = cell.status;
    rows.set(cell.checkId, row);
  }
  return [...rows]
    .map(([checkId, row]) => ({ checkId, ...row }))
    .sort((a, b) => RANK[b.worst] - RANK[a.worst]);
}

/** The worst outcome of each node, as it is drawn on its plate. */
export function toNodeMarks(
  result: PreflightResult | null,
  nodeIds: readonly string[],
): ReadonlyMap<string, StateMark> {
  const marks = new Map<string, StateMark>();
  if (!result) return marks;
  for (const nodeId of nodeIds) {
    const own = result.cells.filter((cell) => cell.nodeId === nodeId);
    const isUnreachable = result.unreachable.some((each) => each.nodeId === nodeId);
    const count = (status: CheckCell['status']) => own.filter((cell) => cell.status === status).length;
    if (isUnreachable) marks.set(nodeId, { ...CHECK_MARKS.fail, word: 'not reached' });
    else if (count('fail') > 0)
      marks.set(nodeId, { ...CHECK_MARKS.fail, word: `${count('fail')} of ${own.length} fail` });
    else if (count('warn') > 0) marks.set(nodeId, { ...CHECK_MARKS.warn, word: `${count('warn')} warn` });
    else if (own.length > 0) marks.set(nodeId, { ...CHECK_MARKS.ok, word: `${own.length} checks ok` });
  }
  return marks;
}

/** How a preflight went, in words. */
export function toCheckSummary(result: PreflightResult): string {
  const count = (status: CheckCell['status']) => result.cells.filter((cell) => cell.status === status).length;
  const parts = [`${count('ok')} ok`, `${count('warn')} warn`, `${count('fail')} fail`];
  if (result.unreachable.length > 0) parts.push(`${result.unreachable.length} not reached`);
  return parts.join(', ');
}
