import { z } from 'zod';
import { toAllowedSites } from '@/lib/access/can';
import { RunId, SiteId } from '@/lib/core/ids';
import { RUN_LIMITS } from '@/lib/run/limits';
import { RunState } from '@/lib/run/run-event';
import type { HistoryCut, RunPage } from '@/lib/run/run-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { parseInput } from '../parse-input';
import { RUN_ROW, toRunView } from './to-run-view';

export const ListRunsInput = z.strictObject({
  siteId: SiteId.optional(),
  state: RunState.optional(),
  /** `next` of the page before. */
  before: RunId.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** How many runs of all sites are no longer kept, and the time of the newest of them; null while all are. */
async function findCut(ctx: ServiceContext): Promise<HistoryCut | null> {
  const row = await ctx.db.prisma.historyCut.findUnique({ where: { topic: 'run' } });
  return row && { runs: Number(row.dropped), newestAt: row.newestAt.toISOString() };
}

/** Runs that the actor may see, newest first, with the limits of history and what was cut from it. */
export async function listRuns(
  ctx: ServiceContext,
  input: z.input<typeof ListRunsInput> = {},
): Promise<RunPage> {
  const { siteId, state, before, limit } = parseInput(ListRunsInput, input);
  if (siteId) authoriseOnSite(ctx, 'run.view', siteId);
  const allowed = siteId ? [siteId] : toAllowedSites(ctx.actor.grants, 'run.view');
  const rows = await ctx.db.prisma.run.findMany({
    where: { ...(allowed !== 'all' && { siteId: { in: allowed } }), ...(state && { state }) },
    ...RUN_ROW,
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: limit + 1,
    ...(before && { cursor: { id: before }, skip: 1 }),
  });
  const runs = rows.slice(0, limit).map(toRunView);
  const next = rows.length > limit ? (runs.at(-1)?.id ?? null) : null;
  return { runs, next, limits: RUN_LIMITS, cut: await findCut(ctx) };
}
