import { z } from 'zod';
import type { UserView } from '@/lib/access/user-view';
import { AppError } from '@/lib/core/errors';
import type { ServiceContext } from '../context';
import { authorise, notFound } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { refuseWithoutAdmin } from './store-grants';
import { toUserView, USER_ROW } from './to-user-view';

export const SetUserDisabledInput = z.strictObject({ userId: z.string(), disabled: z.boolean() });

/** Shuts a person out (sessions and tokens end at once) or lets them in again. Nobody disables themselves. */
export async function setUserDisabled(ctx: ServiceContext, input: unknown): Promise<UserView> {
  authorise(ctx, 'user.manage');
  const { userId, disabled } = parseInput(SetUserDisabledInput, input);
  if (disabled && userId === ctx.actor.userId) {
    throw new AppError('conflict', 'You can’t disable your own account. Ask another administrator.');
  }
  return transact(ctx, async (tx) => {
    const before = await tx.prisma.user.findUnique({ where: { id: userId }, select: { email: true } });
    if (!before) throw notFound('user');
    await tx.audit(disabled ? 'user.disable' : 'user.enable', userId, { email: before.email });
    const row = await tx.prisma.user.update({
      where: { id: userId },
      data: { disabledAt: disabled ? new Date() : null },
      select: USER_ROW,
    });
    if (disabled) {
      await tx.prisma.session.deleteMany({ where: { userId } });
      await refuseWithoutAdmin(tx);
    }
    await tx.changed('user', userId);
    return toUserView(row);
  });
}
