import type { UserView } from '@/lib/access/user-view';
import type { ServiceContext } from '../context';
import { authorise } from '../context';
import { toUserView, USER_ROW } from './to-user-view';

/** Everybody with an account, by e-mail. */
export async function listUsers(ctx: ServiceContext): Promise<UserView[]> {
  authorise(ctx, 'user.manage');
  const rows = await ctx.db.prisma.user.findMany({ select: USER_ROW, orderBy: { email: 'asc' } });
  return rows.map(toUserView);
}
