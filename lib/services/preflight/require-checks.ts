import { AppError } from '@/lib/core/errors';
import {
  isOverriddenBy,
  listBlockers,
  NO_CHECKS,
  toBlockerFields,
  toRefusal,
} from '@/lib/run/preflight-gate';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import type { TopologyView } from '@/lib/topology/topology-view';
import type { Transaction } from '../transact';
import { findChecks, findOpenOverrides, findStaleOf } from './find-checks';

/**
 * The gate before a run that builds on hosts: refuses with `precondition-failed` without checks that speak for the newest
 * revision, and while a red one is neither mended nor overridden (`fields` lists them). Returns the overrides that let red
 * ones pass, which the run uses up. Wants the site's row locked.
 */
export async function requireChecks(
  tx: Transaction,
  { siteId, revision, topology }: TopologyView,
): Promise<readonly CheckOverrideView[]> {
  const found = await findChecks(tx, siteId);
  if (!found) throw new AppError('precondition-failed', NO_CHECKS);
  const stale = await findStaleOf(tx, siteId, found, revision);
  if (stale) throw new AppError('precondition-failed', stale);
  const overrides = await findOpenOverrides(tx, siteId);
  const nodes = topology.nodes.map(({ id, name }) => ({ id: id as string, name }));
  const blockers = listBlockers(found.result, overrides, nodes);
  const refusal = toRefusal(blockers);
  if (refusal) {
    throw new AppError('precondition-failed', refusal, { fields: toBlockerFields(blockers) });
  }
  return overrides.filter((override) => found.result.cells.some((cell) => isOverriddenBy(override, cell)));
}

/** Ties the overrides to the run that was started with them; they let no other pass. */
export async function spendOverrides(
  tx: Transaction,
  runId: string,
  overrides: readonly CheckOverrideView[],
): Promise<void> {
  if (overrides.length === 0) return;
  await tx.prisma.checkOverride.updateMany({
    where: { id: { in: overrides.map(({ id }) => id) } },
    data: { runId },
  });
}
