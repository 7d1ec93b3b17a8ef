import type { ApiTokenView } from '@/lib/access/user-view';
import type { ServiceContext } from '../context';
import { API_TOKEN_ROW, toApiTokenView } from './to-api-token-view';

/** The actor's own tokens, newest first. */
export async function listApiTokens(ctx: ServiceContext): Promise<ApiTokenView[]> {
  const rows = await ctx.db.prisma.apiToken.findMany({
    where: { userId: ctx.actor.userId },
    select: API_TOKEN_ROW,
    orderBy: { createdAt: 'desc' },
    take: 200,
  });
  return rows.map(toApiTokenView);
}
