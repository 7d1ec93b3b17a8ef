import type { UserView } from '@/lib/access/user-view';
import { SetGrantsInput } from '@/lib/access/user-view';
import type { ServiceContext } from '../context';
import { authorise, notFound } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { refuseWithoutAdmin, storeGrants } from './store-grants';
import { toUserView, USER_ROW } from './to-user-view';

/** Replaces what a person may do. It holds from their next request on; open streams end within 15 s. */
export async function setGrants(ctx: ServiceContext, input: unknown): Promise<UserView> {
  authorise(ctx, 'user.manage');
  const { userId, grants } = parseInput(SetGrantsInput, input);
  return transact(ctx, async (tx) => {
    const user = await tx.prisma.user.findUnique({ where: { id: userId }, select: { email: true } });
    if (!user) throw notFound('user');
    await tx.audit('user.grants', userId, { email: user.email, grants });
    await storeGrants(ctx, tx, userId, grants);
    await refuseWithoutAdmin(tx);
    await tx.changed('user', userId);
    return toUserView(await tx.prisma.user.findUniqueOrThrow({ where: { id: userId }, select: USER_ROW }));
  });
}
