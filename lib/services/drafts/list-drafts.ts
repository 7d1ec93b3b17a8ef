import type { DraftView } from '@/lib/access/draft-view';
import type { ServiceContext } from '../context';

/** The actor's own drafts, newest first. */
export async function listDrafts(ctx: ServiceContext): Promise<DraftView[]> {
  const rows = await ctx.db.prisma.draft.findMany({
    where: { userId: ctx.actor.userId },
    orderBy: { updatedAt: 'desc' },
  });
  return rows.map(({ id, updatedAt, document }) => ({
    id,
    updatedAt: updatedAt.toISOString(),
    document: JSON.parse(document) as unknown,
  }));
}
