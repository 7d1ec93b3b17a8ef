import type { ApiTokenView } from '@/lib/access/user-view';
import { CreateApiTokenInput } from '@/lib/access/user-view';
import { AppError } from '@/lib/core/errors';
import { createOpaqueToken, toTokenHash } from '@/lib/secrets/opaque-token';
import type { ServiceContext } from '../context';
import { newId } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { API_TOKEN_ROW, toApiTokenView } from './to-api-token-view';

/**
 * Makes a token that acts as its owner with at most `role`. The token is returned once and only its hash is stored.
 * A token cannot make tokens: it would outlive its own end.
 */
export async function createApiToken(
  ctx: ServiceContext,
  input: unknown,
): Promise<{ token: string; view: ApiTokenView }> {
  const { name, role, days } = parseInput(CreateApiTokenInput, input);
  if (ctx.actor.via === 'token')
    throw new AppError('forbidden', 'A token can’t make tokens. Sign in to make one.');
  const token = createOpaqueToken('sp_');
  const view = await transact(ctx, async (tx) => {
    const row = await tx.prisma.apiToken.create({
      data: {
        id: newId('t'),
        userId: ctx.actor.userId,
        name,
        role,
        tokenHash: toTokenHash(token),
        expiresAt: new Date(Date.now() + days * 86_400_000),
      },
      select: API_TOKEN_ROW,
    });
    await tx.audit('api-token.create', row.id, { name, role, days });
    return toApiTokenView(row);
  });
  return { token, view };
}
