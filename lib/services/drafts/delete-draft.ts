import type { ServiceContext } from '../context';

/** Deletes one of the actor's own drafts; one that is gone already is fine. */
export async function deleteDraft(ctx: ServiceContext, input: { draftId: string }): Promise<void> {
  await ctx.db.prisma.draft.deleteMany({ where: { id: input.draftId, userId: ctx.actor.userId } });
}
