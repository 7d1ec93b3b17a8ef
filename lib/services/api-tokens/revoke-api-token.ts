import { can } from '@/lib/access/can';
import type { ServiceContext } from '../context';
import { notFound } from '../context';
import { transact } from '../transact';

/** Ends a token at once: one's own, or anybody's for those who manage users. */
export async function revokeApiToken(ctx: ServiceContext, input: { tokenId: string }): Promise<void> {
  const mayAny = can(ctx.actor.grants, 'user.manage').allowed;
  await transact(ctx, async (tx) => {
    const { count } = await tx.prisma.apiToken.updateMany({
      where: { id: input.tokenId, revokedAt: null, ...(!mayAny && { userId: ctx.actor.userId }) },
      data: { revokedAt: new Date() },
    });
    if (count === 0) throw notFound('token');
    await tx.audit('api-token.revoke', input.tokenId);
  });
}
