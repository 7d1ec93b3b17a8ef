import { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import type { ServiceContext } from '../context';
import { newId, notFound } from '../context';
import { parseInput } from '../parse-input';

export const SaveDraftInput = z.strictObject({ draftId: z.string().nullable(), document: z.unknown() });

const MAX_DRAFT_CHARACTERS = 200_000;
const MAX_DRAFTS = 50;

/**
 * Keeps a form as it stands, for its author only. Not a mutation of anything that others see, so it leaves no audit
 * row. Throws `not-found` for a draft that is gone.
 */
export async function saveDraft(
  ctx: ServiceContext,
  input: unknown,
): Promise<{ draftId: string; updatedAt: string }> {
  const { draftId, document } = parseInput(SaveDraftInput, input);
  const text = JSON.stringify(document ?? null);
  if (text.length > MAX_DRAFT_CHARACTERS)
    throw new AppError('invalid', 'This form has become too large to be kept.');
  const { userId } = ctx.actor;
  if (draftId === null) {
    const count = await ctx.db.prisma.draft.count({ where: { userId } });
    if (count >= MAX_DRAFTS) throw new AppError('conflict', `You have ${count} drafts. Delete some first.`);
    const row = await ctx.db.prisma.draft.create({ data: { id: newId('d'), userId, document: text } });
    return { draftId: row.id, updatedAt: row.updatedAt.toISOString() };
  }
  const { count } = await ctx.db.prisma.draft.updateMany({
    where: { id: draftId, userId },
    data: { document: text },
  });
  if (count === 0) throw notFound('draft');
  const row = await ctx.db.prisma.draft.findUniqueOrThrow({ where: { id: draftId } });
  return { draftId: row.id, updatedAt: row.updatedAt.toISOString() };
}
