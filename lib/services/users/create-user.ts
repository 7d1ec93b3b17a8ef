import { CreateUserInput } from '@/lib/access/user-view';
import { AppError } from '@/lib/core/errors';
import type { ServiceContext } from '../context';
import { authorise, newId } from '../context';
import { parseInput } from '../parse-input';
import { isUniqueViolation, transact } from '../transact';
import { createInvite } from './create-invite';
import { storeGrants } from './store-grants';

/**
 * Adds a person. They get no password from us: `link` (a path, shown once, 72 hours) lets them set one.
 * Throws `conflict` when the e-mail address has an account.
 */
export async function createUser(
  ctx: ServiceContext,
  input: unknown,
): Promise<{ userId: string; link: string }> {
  authorise(ctx, 'user.manage');
  const { email, name, grants } = parseInput(CreateUserInput, input);
  const userId = newId('u');
  try {
    return await transact(ctx, async (tx) => {
      await tx.prisma.user.create({
        data: { id: userId, email, name, emailVerified: true },
        select: { id: true },
      });
      await storeGrants(ctx, tx, userId, grants);
      const link = await createInvite(tx, userId);
      await tx.audit('user.create', userId, { email, grants });
      await tx.changed('user', userId);
      return { userId, link };
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('conflict', `${email} has an account already.`, {
      fields: { email: 'has an account already' },
    });
  }
}
