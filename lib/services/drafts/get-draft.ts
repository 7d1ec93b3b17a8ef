import type { DraftView } from '@/lib/access/draft-view';
import type { ServiceContext } from '../context';

/** One of the actor's own drafts, or null. */
export async function getDraft(ctx: ServiceContext, input: { draftId: string }): Promise<DraftView | null> {
  const row = await ctx.db.prisma.draft.findFirst({ where: { id: input.draftId, userId: ctx.actor.userId } });
  return (
    row && {
      id: row.id,
      updatedAt: row.updatedAt.toISOString(),
      document: JSON.parse(row.document) as unknown,
    }
  );
}
