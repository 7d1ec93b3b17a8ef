import { INVITE_PREFIX } from '@/lib/access/invite';
import { AppError } from '@/lib/core/errors';
import type { Prisma } from '@/lib/db/generated/client';
import { toTokenHash } from '@/lib/secrets/opaque-token';
import { createFirstAdmin, setPassword } from './accounts';
import type { WebRuntime } from './runtime';
import { webRuntime } from './runtime';

export type Setup =
  | { readonly kind: 'first-admin' }
  | { readonly kind: 'invite'; readonly userId: string; readonly email: string; readonly name: string };

type Tx = Pick<Prisma.TransactionClient, 'setupLink' | 'verification' | 'user'>;

async function findIn(tx: Tx, token: string): Promise<Setup | null> {
  const tokenHash = toTokenHash(token);
  const link = await tx.setupLink.findFirst({ where: { tokenHash, usedAt: null }, select: { id: true } });
  if (link) return (await tx.user.count()) === 0 ? { kind: 'first-admin' } : null;
  const invite = await tx.verification.findFirst({
    where: { value: tokenHash, identifier: { startsWith: INVITE_PREFIX }, expiresAt: { gt: new Date() } },
    select: { identifier: true },
  });
  if (!invite) return null;
  const user = await tx.user.findFirst({
    where: { id: invite.identifier.slice(INVITE_PREFIX.length), disabledAt: null },
    select: { id: true, email: true, name: true },
  });
  return user && { kind: 'invite', userId: user.id, email: user.email, name: user.name };
}

/** What a one-time link is good for, or null when it is unknown, used or too old. */
export async function findSetup(token: string): Promise<Setup | null> {
  return findIn((await webRuntime()).db.prisma, token);
}

function dead(): AppError {
  return new AppError('not-found', 'This link does not work any more. Ask for a new one.');
}

/**
 * Uses a one-time link: creates the first administrator, or sets the password of an invited person. The link is spent
 * in the same transaction, so that of two uses at once one fails. Returns the e-mail address to sign in with.
 */
export async function finishSetup(
  runtime: WebRuntime,
  input: { token: string; email: string; name: string; password: string },
  origin: { ip: string; requestId: string },
): Promise<{ email: string }> {
  const { prisma } = runtime.db;
  const setup = await findIn(prisma, input.token);
  if (!setup) throw dead();
  const value = toTokenHash(input.token);
  const ctx = { db: runtime.db, auditKey: runtime.keys.audit };
  if (setup.kind === 'first-admin') {
    return createFirstAdmin({ ...ctx, by: { ...origin, email: '' } }, input, async (tx) => {
      const spent = await tx.setupLink.updateMany({
        where: { tokenHash: value, usedAt: null },
        data: { usedAt: new Date() },
      });
      if (spent.count !== 1) throw dead();
    });
  }
  const { userId, email } = setup;
  const name = input.name.trim() || setup.name;
  await setPassword(
    { ...ctx, by: { ...origin, email } },
    { userId, name, password: input.password },
    async (tx) => {
      const spent = await tx.verification.deleteMany({
        where: { value, identifier: INVITE_PREFIX + userId },
      });
      if (spent.count !== 1) throw dead();
    },
  );
  return { email };
}
