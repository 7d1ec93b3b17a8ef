import type { Prisma } from '@/lib/db/generated/client';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { RUN_ROW } from './to-run-view';

/** The row of a run that the actor may see; runs of deleted sites stay visible. Throws `not-found`. */
export async function findVisibleRun(
  ctx: ServiceContext,
  runId: string,
): Promise<Prisma.RunGetPayload<typeof RUN_ROW>> {
  const row = await ctx.db.prisma.run.findUnique({ where: { id: runId }, ...RUN_ROW });
  if (!row) throw notFound('run');
  authoriseOnSite(ctx, 'run.view', row.siteId, 'run');
  return row;
}
