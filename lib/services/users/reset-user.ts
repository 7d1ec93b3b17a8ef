import type { ServiceContext } from '../context';
import { authorise, notFound } from '../context';
import { transact } from '../transact';
import { createInvite } from './create-invite';
import { refuseWithoutAdmin } from './store-grants';

/**
 * Takes a person's password and second factor away, ends their sessions and API tokens, and gives a one-time link (a
 * path) to set a new one. The administrator never learns a password. Throws `conflict` for the last administrator with a
 * password.
 */
export async function resetUser(ctx: ServiceContext, input: { userId: string }): Promise<{ link: string }> {
  authorise(ctx, 'user.manage');
  const { userId } = input;
  return transact(ctx, async (tx) => {
    const user = await tx.prisma.user.findUnique({ where: { id: userId }, select: { email: true } });
    if (!user) throw notFound('user');
    await tx.audit('user.reset', userId, { email: user.email });
    await tx.prisma.account.updateMany({
      where: { userId, providerId: 'credential' },
      data: { password: null },
    });
    await tx.prisma.twoFactor.deleteMany({ where: { userId } });
    await tx.prisma.user.update({
      where: { id: userId },
      data: { twoFactorEnabled: false },
      select: { id: true },
    });
    await tx.prisma.session.deleteMany({ where: { userId } });
    await tx.prisma.apiToken.updateMany({
      where: { userId, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    await refuseWithoutAdmin(tx);
    const link = await createInvite(tx, userId);
    await tx.changed('user', userId);
    return { link };
  });
}
