import { toDurationText } from '@/lib/core/duration';
import { toCount } from '@/lib/core/text';
import type { Failure } from '@/lib/core/failure';
import type { CheckCell, PreflightResult } from './job-view';
import type { CheckBlocker, CheckOverrideView } from './preflight-view';

/*
 * What the checks have to say on Apply. Pure, so that the button's tooltip, the API's refusal and the tests speak from
 * one place. A gate opens when the checks are there, speak for the plan, and have no red cell that nobody let pass:
 *
 *   no checks ──▶ stale (other revision, a run since, too old) ──▶ red cells left ──▶ open
 */

/** Hosts change without us too, so checks older than this are done again before anything is built on them. */
export const CHECKS_MAX_AGE_MS = 24 * 3_600_000;

/** What decides whether checks still speak for a site; times in milliseconds of one clock (the database's). */
export interface CheckedAt {
  readonly result: PreflightResult;
  /** When somebody asked for the whole preflight that the cells rest on: no cell is older. */
  readonly askedAtMs: number;
  /** The revision that is to be applied. */
  readonly revision: number;
  /** When the newest run of the site ended, null while none has. */
  readonly lastRunEndedAtMs: number | null;
  readonly nowMs: number;
}

/** Why the checks no longer speak for the site, in words with what to do; null while they do. */
export function findStaleChecks(checked: CheckedAt): string | null {
  const { result, askedAtMs, revision, lastRunEndedAtMs, nowMs } = checked;
  if (result.revision !== revision) {
    return `The topology is at revision ${revision}, the checks were run for revision ${result.revision}. Run the checks again.`;
  }
  if (lastRunEndedAtMs !== null && lastRunEndedAtMs > askedAtMs) {
    return 'A run has changed the hosts since the checks. Run the checks again.';
  }
  if (nowMs - askedAtMs > CHECKS_MAX_AGE_MS) {
    return `The checks are older than ${toDurationText(CHECKS_MAX_AGE_MS)}. Run the checks again.`;
  }
  return null;
}

type OverriddenCell = Pick<CheckOverrideView, 'nodeId' | 'checkId' | 'value' | 'valueHash' | 'state'>;

/** True when the override is about this cell, as the cell is now: all that was found is the same, not only what is shown. */
export function isOverriddenBy(
  override: OverriddenCell,
  cell: Pick<CheckCell, 'nodeId' | 'checkId' | 'value' | 'valueHash' | 'status'>,
): boolean {
  return (
    override.state === 'active' &&
    cell.status === 'fail' &&
    override.nodeId === cell.nodeId &&
    override.checkId === cell.checkId &&
    override.value === cell.value &&
    (override.valueHash === null || override.valueHash === cell.valueHash)
  );
}

function toUnreached(nodeId: string, nodeName: string, { message }: Failure): CheckBlocker {
  return { nodeId, nodeName, checkId: null, title: 'reached', value: message, threshold: 'an answer' };
}

/**
 * Red cells that no active override lets pass, and hosts of the topology that were not reached; in the order of the
 * matrix. Cells of nodes that the topology no longer has don't count. `nodes` are those of the newest revision.
 */
export function listBlockers(
  result: PreflightResult,
  overrides: readonly OverriddenCell[],
  nodes: readonly { readonly id: string; readonly name: string }[],
): CheckBlocker[] {
  return nodes.flatMap(({ id, name }) => [
    ...result.unreachable
      .filter(({ nodeId }) => nodeId === id)
      .map(({ failure }) => toUnreached(id, name, failure)),
    ...result.cells
      .filter((cell) => cell.nodeId === id && cell.status === 'fail')
      .filter((cell) => !overrides.some((override) => isOverriddenBy(override, cell)))
      .map(({ checkId, title, value, threshold }) => ({
        nodeId: id,
        nodeName: name,
        checkId,
        title,
        value,
        threshold,
      })),
  ]);
}

/** Blockers as a sentence: what is red where (the first three by name), and what to do. */
export function toRefusal(blockers: readonly CheckBlocker[]): string | null {
  if (blockers.length === 0) return null;
  const named = blockers.slice(0, 3).map(({ nodeName, title, checkId }) => {
    return checkId === null ? `${nodeName} was not reached` : `${title} on ${nodeName}`;
  });
  const rest = blockers.length > named.length ? ` and ${blockers.length - named.length} more` : '';
  const verb = blockers.length === 1 ? 'stands' : 'stand';
  return `${toCount(blockers.length, 'failing check')} ${verb} in the way: ${named.join(', ')}${rest}. Mend them and run the checks again, or override them with a reason.`;
}

/** Blockers by place, for the fields of an error: `s1 / memory` and what was found against what is wanted. */
export function toBlockerFields(blockers: readonly CheckBlocker[]): Record<string, string> {
  return Object.fromEntries(
    blockers.map(({ nodeName, checkId, title, value, threshold }) => [
      `${nodeName} / ${checkId ?? 'reached'}`,
      `${title}: ${value}; wanted: ${threshold}`,
    ]),
  );
}

export const NO_CHECKS = 'Nothing was checked yet. Run the checks first.';
