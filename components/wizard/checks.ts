import { toCount } from '@/lib/core/text';
import type { StateMark } from '@/lib/core/state-mark';
import { isLinkUnknown, isReached } from '@/lib/health/link-states';
import type { CheckCell, LinkCell, PreflightResult, PreflightScope } from '@/lib/run/job-view';
import { isOverriddenBy } from '@/lib/run/preflight-gate';
import type { CheckOverrideView } from '@/lib/run/preflight-view';

export type CheckMarkName = CheckCell['status'] | 'unknown' | 'waiting';

/** How the outcomes of a check look; `waiting` is for cells that are being checked. */
export const CHECK_MARKS: Readonly<Record<CheckMarkName, StateMark>> = {
  ok: { ink: 'healthy', shape: 'circle', word: 'ok' },
  warn: { ink: 'degraded', shape: 'triangle', word: 'warning' },
  fail: { ink: 'down', shape: 'square-bar', word: 'fails' },
  unknown: { ink: 'stale', shape: 'dashed-ring', word: 'unknown' },
  waiting: { ink: 'provisioning', shape: 'half-circle', word: 'checking', turns: true },
};

/** The mark of a cell as it stands. */
export function toMarkName({ status, isUnknown }: Pick<CheckCell, 'status' | 'isUnknown'>): CheckMarkName {
  return isUnknown ? 'unknown' : status;
}

/** The mark of a link as it stands: unknown where nothing bad is known of its ports. */
export function toLinkMarkName(link: Pick<LinkCell, 'status' | 'ports'>): LinkPair['worst'] {
  return isLinkUnknown(link) ? 'unknown' : link.status;
}

const GROUP_WORDS: Readonly<Record<CheckCell['group'], string>> = {
  machine: 'Machine',
  disk: 'Disk',
  time: 'Time',
  software: 'Software',
  network: 'Network',
  links: 'Between hosts',
  cluster: 'Cluster',
};
const GROUP_ORDER = Object.keys(GROUP_WORDS) as CheckCell['group'][]; // keys of the record it is declared over

const RANK: Readonly<Record<CheckCell['status'], number>> = { ok: 0, warn: 1, fail: 2 };

export interface CheckRow {
  readonly checkId: string;
  readonly title: string;
  /** By node id; a check that does not apply to a host has no cell there. */
  readonly cells: ReadonlyMap<string, CheckCell>;
  readonly worst: CheckCell['status'];
}

export interface CheckGroup {
  readonly key: string;
  readonly word: string;
  readonly rows: readonly CheckRow[];
}

/** Cells as groups of rows, each in the order in which checks come; with `onlyProblems` without rows that are all ok. */
export function toCheckGroups(cells: readonly CheckCell[], onlyProblems = false): readonly CheckGroup[] {
  const rows = new Map<
    string,
    { title: string; group: CheckCell['group']; cells: Map<string, CheckCell>; worst: CheckCell['status'] }
  >();
  for (const cell of cells) {
    const row = rows.get(cell.checkId) ?? {
      title: cell.title,
      group: cell.group,
      cells: new Map(),
      worst: 'ok' as const,
    };
    row.cells.set(cell.nodeId, cell);
    if (RANK[cell.status] > RANK[row.worst]) row.worst = cell.status;
    rows.set(cell.checkId, row);
  }
  return GROUP_ORDER.flatMap((group) => {
    const own = [...rows]
      .filter(([, row]) => row.group === group && (!onlyProblems || row.worst !== 'ok'))
      .map(([checkId, { title, cells: byNode, worst }]) => ({ checkId, title, cells: byNode, worst }));
    return own.length > 0 ? [{ key: group, word: GROUP_WORDS[group], rows: own }] : [];
  });
}

export interface CheckCounts {
  readonly ok: number;
  readonly warn: number;
  readonly unknown: number;
  readonly fail: number;
  readonly unreached: number;
  /** Of `fail`, those that a person let pass. */
  readonly overridden: number;
}

/** How many cells there are of each outcome; unknown ones are not counted as warnings. */
export function toCheckCounts(
  { cells, unreachable }: Pick<PreflightResult, 'cells' | 'unreachable'>,
  overrides: readonly CheckOverrideView[] = [],
): CheckCounts {
  const count = (name: CheckMarkName) => cells.filter((cell) => toMarkName(cell) === name).length;
  return {
    ok: count('ok'),
    warn: count('warn'),
    unknown: count('unknown'),
    fail: count('fail'),
    unreached: unreachable.length,
    overridden: cells.filter((cell) => findOverride(cell, overrides)).length,
  };
}

/** The active override of a cell, null for cells that stand as they are. */
export function findOverride(
  cell: CheckCell,
  overrides: readonly CheckOverrideView[],
): CheckOverrideView | null {
  return overrides.find((override) => isOverriddenBy(override, cell)) ?? null;
}

/** The newest override of a red cell that no longer counts, null when there is none or one counts. */
export function findPastOverride(
  cell: CheckCell,
  overrides: readonly CheckOverrideView[],
): CheckOverrideView | null {
  if (cell.status !== 'fail' || findOverride(cell, overrides)) return null;
  const isOwn = (each: CheckOverrideView) => each.nodeId === cell.nodeId && each.checkId === cell.checkId;
  return overrides.find((each) => isOwn(each) && (each.state === 'lapsed' || each.state === 'used')) ?? null;
}

/** True when a preflight of this scope looks at the cell. */
export function isInScope(
  scope: PreflightScope,
  { nodeId, checkId }: { readonly nodeId: string; readonly checkId: string },
): boolean {
  return (
    (scope.nodeIds === null || scope.nodeIds.includes(nodeId)) &&
    (scope.checkIds === null || scope.checkIds.includes(checkId))
  );
}

/** What one host reaches on another: the links of a pair, the worst first. */
export interface LinkPair {
  readonly fromId: string;
  readonly toId: string;
  readonly links: readonly LinkCell[];
  readonly worst: CheckCell['status'] | 'unknown';
  /** Short: "9 open", or the worst link's own words. */
  readonly words: string;
}

const LINK_RANK: Readonly<Record<LinkPair['worst'], number>> = { ok: 0, unknown: 1, warn: 2, fail: 3 };

/** The links by pair, keyed `from to`. */
export function toLinkPairs(links: readonly LinkCell[]): ReadonlyMap<string, LinkPair> {
  const byPair = new Map<string, LinkCell[]>();
  for (const link of links) {
    const key = toPairKey(link.fromId, link.toId);
    byPair.set(key, [...(byPair.get(key) ?? []), link]);
  }
  const pairs = new Map<string, LinkPair>();
  for (const [key, own] of byPair) {
    const rankOf = (link: LinkCell) => LINK_RANK[toLinkMarkName(link)];
    const sorted = [...own].sort((a, b) => rankOf(b) - rankOf(a));
    const [first] = sorted;
    if (!first) continue;
    const open = own.flatMap(({ ports }) => ports).filter(({ state }) => isReached(state)).length;
    const words = first.status === 'ok' ? `${open} open` : first.value;
    const worst = toLinkMarkName(first);
    pairs.set(key, { fromId: first.fromId, toId: first.toId, links: sorted, worst, words });
  }
  return pairs;
}

export function toPairKey(fromId: string, toId: string): string {
  return `${fromId} ${toId}`;
}

/** The worst outcome of each node, as it is drawn on its plate. */
export function toNodeMarks(
  result: Pick<PreflightResult, 'cells' | 'unreachable'> | null,
  nodeIds: readonly string[],
): ReadonlyMap<string, StateMark> {
  const marks = new Map<string, StateMark>();
  if (!result) return marks;
  for (const nodeId of nodeIds) {
    const own = result.cells.filter((cell) => cell.nodeId === nodeId);
    const isUnreachable = result.unreachable.some((each) => each.nodeId === nodeId);
    const count = (name: CheckMarkName) => own.filter((cell) => toMarkName(cell) === name).length;
    if (isUnreachable) marks.set(nodeId, { ...CHECK_MARKS.fail, word: 'not reached' });
    else if (count('fail') > 0)
      marks.set(nodeId, { ...CHECK_MARKS.fail, word: `${count('fail')} of ${own.length} fail` });
    else if (count('warn') > 0) marks.set(nodeId, { ...CHECK_MARKS.warn, word: `${count('warn')} warn` });
    else if (count('unknown') > 0)
      marks.set(nodeId, { ...CHECK_MARKS.unknown, word: `${count('unknown')} unknown` });
    else if (own.length > 0) marks.set(nodeId, { ...CHECK_MARKS.ok, word: `${own.length} checks ok` });
  }
  return marks;
}

/** How a preflight went, in words: `200 ok, 12 warn, 1 unknown, 2 fail, 1 overridden`. */
export function toCheckSummary(
  result: Pick<PreflightResult, 'cells' | 'unreachable'>,
  overrides: readonly CheckOverrideView[] = [],
): string {
  const counts = toCheckCounts(result, overrides);
  const parts = [`${counts.ok} ok`, `${counts.warn} warn`];
  if (counts.unknown > 0) parts.push(`${counts.unknown} unknown`);
  parts.push(`${counts.fail} fail`);
  if (counts.overridden > 0) parts.push(`${counts.overridden} overridden`);
  if (counts.unreached > 0) parts.push(`${toCount(counts.unreached, 'host')} not reached`);
  return parts.join(', ');
}
