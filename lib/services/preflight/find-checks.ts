import type { Queryable } from '@/lib/db/connect';
import type { CheckOverride, Job } from '@/lib/db/generated/client';
import { readNow } from '@/lib/db/read-now';
import { CHECKS } from '@/lib/health/checks';
import { PreflightResult } from '@/lib/run/job-view';
import { mergePreflight } from '@/lib/run/merge-preflight';
import { CHECKS_MAX_AGE_MS, findStaleChecks } from '@/lib/run/preflight-gate';
import type { CheckOverrideView } from '@/lib/run/preflight-view';
import type { Transaction } from '../transact';

/** Where checks are read: inside of a transaction, or straight from the database. */
export interface ChecksSource {
  readonly prisma: Transaction['prisma'];
  readonly sql: Queryable;
}

/** Later cells that are laid over a whole preflight; more than anybody runs one by one in a day. */
const MAX_PARTIAL = 500;
/** Overrides that are shown, newest first. */
const MAX_OVERRIDES = 200;

const DONE = `site_id = $1 AND kind = 'preflight' AND state = 'done'`;
const IS_FULL = `NOT jsonb_exists(params, 'nodeIds') AND NOT jsonb_exists(params, 'checkIds')`;

interface ResultRow {
  id: string;
  result: unknown;
  created_at: Date;
  finished_at: Date;
}

export interface FoundChecks {
  /** The newest whole preflight with the later ones of its revision laid over it. */
  readonly result: PreflightResult;
  /** When somebody asked for the whole one: no cell is older. */
  readonly askedAt: Date;
  /** True when more was checked again since than is laid over it: then older findings may be missing. */
  readonly isCut: boolean;
}

/** A check's place in the matrix: cells that were run again come back to it. */
function placeOf(checkId: string): number {
  const place = CHECKS.findIndex(({ id }) => id === checkId);
  return place < 0 ? CHECKS.length : place;
}

/** The cells of a site as they were last found; null before a whole preflight has ended. For callers that have authorised. */
export async function findChecks({ sql }: ChecksSource, siteId: string): Promise<FoundChecks | null> {
  const full = await sql.query<ResultRow>(
    `SELECT id, result, created_at, finished_at FROM job WHERE ${DONE} AND ${IS_FULL}
      ORDER BY finished_at DESC, id DESC LIMIT 1`,
    [siteId],
  );
  const [base] = full.rows;
  if (!base) return null;
  const first = PreflightResult.parse(base.result);
  const later = await sql.query<ResultRow>(
    `SELECT id, result, created_at, finished_at FROM job WHERE ${DONE} AND NOT (${IS_FULL}) AND finished_at >= $2
      ORDER BY finished_at DESC, id DESC LIMIT ${MAX_PARTIAL + 1}`,
    [siteId, base.finished_at],
  );
  const result = later.rows
    .slice(0, MAX_PARTIAL)
    .reverse()
    .map((row) => PreflightResult.parse(row.result))
    .filter(({ revision }) => revision === first.revision)
    .reduce(mergePreflight, first);
  const cells = [...result.cells].sort((a, b) => placeOf(a.checkId) - placeOf(b.checkId));
  const isCut = later.rows.length > MAX_PARTIAL;
  return { result: { ...result, cells }, askedAt: base.created_at, isCut };
}

/** Why the checks don't speak for `revision` any more, in words; null while they do. By the database's clock. */
export async function findStaleOf(
  { prisma, sql }: ChecksSource,
  siteId: string,
  { result, askedAt, isCut }: FoundChecks,
  revision: number,
): Promise<string | null> {
  if (isCut) return `More than ${MAX_PARTIAL} single checks were run since all were. Run all checks again.`;
  const run = await prisma.run.findFirst({
    where: { siteId, finishedAt: { not: null } },
    orderBy: { finishedAt: 'desc' },
    select: { finishedAt: true },
  });
  return findStaleChecks({
    result,
    revision,
    askedAtMs: askedAt.getTime(),
    lastRunEndedAtMs: run?.finishedAt?.getTime() ?? null,
    nowMs: (await readNow(sql)).getTime(),
  });
}

/**
 * Ids of the overrides that are as old as checks may be at most, or whose check was run again since and did not find the
 * very same: once lapsed, an override does not come back when the old finding does.
 */
async function findLapsed(sql: Queryable, siteId: string): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ id: string }>(
    `SELECT o.id FROM check_override o
      WHERE o.site_id = $1 AND o.revoked_at IS NULL AND o.run_id IS NULL AND (
        o.created_at < now() - $2 * interval '1 ms' OR EXISTS (
        SELECT 1 FROM job j
         WHERE j.site_id = o.site_id AND j.kind = 'preflight' AND j.state = 'done' AND j.finished_at > o.created_at
           AND (NOT jsonb_exists(j.params, 'nodeIds') OR jsonb_exists(j.params->'nodeIds', o.node_id))
           AND (NOT jsonb_exists(j.params, 'checkIds') OR jsonb_exists(j.params->'checkIds', o.check_id))
           AND NOT j.result->'cells' @> jsonb_build_array(jsonb_build_object(
                 'nodeId', o.node_id, 'checkId', o.check_id, 'status', 'fail', 'value', o.value)
                 || CASE WHEN o.value_hash IS NULL THEN '{}' ELSE jsonb_build_object('valueHash', o.value_hash) END)))`,
    [siteId, CHECKS_MAX_AGE_MS],
  );
  return new Set(rows.map(({ id }) => id));
}

export function toOverrideView(row: CheckOverride, isLapsed: boolean): CheckOverrideView {
  const { id, nodeId, checkId, title, value, valueHash, reason, createdBy, runId } = row;
  const state = row.revokedAt ? 'revoked' : runId ? 'used' : isLapsed ? 'lapsed' : 'active';
  const createdAt = row.createdAt.toISOString();
  return { id, nodeId, checkId, title, value, valueHash, reason, createdAt, createdBy, state, runId };
}

/** The newest overrides of a site with where they stand, newest first, for people. For callers that have authorised. */
export function findOverrides(source: ChecksSource, siteId: string): Promise<CheckOverrideView[]> {
  return readOverrides(source, siteId, {});
}

/** Every override that may let a check pass: neither used nor taken back, however many there are. */
export function findOpenOverrides(source: ChecksSource, siteId: string): Promise<CheckOverrideView[]> {
  return readOverrides(source, siteId, { isOpen: true });
}

async function readOverrides(
  { prisma, sql }: ChecksSource,
  siteId: string,
  { isOpen = false }: { readonly isOpen?: boolean },
): Promise<CheckOverrideView[]> {
  const rows = await prisma.checkOverride.findMany({
    where: { siteId, ...(isOpen && { runId: null, revokedAt: null }) },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    ...(!isOpen && { take: MAX_OVERRIDES }),
  });
  if (rows.length === 0) return [];
  const lapsed = await findLapsed(sql, siteId);
  return rows.map((row) => toOverrideView(row, lapsed.has(row.id)));
}

/** The newest preflight job of a site in whatever state, null before there is one. */
export async function findNewestJob({ prisma }: ChecksSource, siteId: string): Promise<Job | null> {
  return prisma.job.findFirst({
    where: { siteId, kind: 'preflight' },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
  });
}
