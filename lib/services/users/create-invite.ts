import { INVITE_PREFIX } from '@/lib/access/invite';
import { createOpaqueToken, toTokenHash } from '@/lib/secrets/opaque-token';
import { newId } from '../context';
import type { Transaction } from '../transact';

const INVITE_HOURS = 72;

/** A one-time link by which a person sets a password; earlier ones of the same person end. Only its hash is stored. */
export async function createInvite(tx: Transaction, userId: string): Promise<string> {
  const identifier = INVITE_PREFIX + userId;
  await tx.prisma.verification.deleteMany({ where: { identifier } });
  const token = createOpaqueToken();
  await tx.prisma.verification.create({
    data: {
      id: newId('v'),
      identifier,
      value: toTokenHash(token),
      expiresAt: new Date(Date.now() + INVITE_HOURS * 3_600_000),
    },
    select: { id: true },
  });
  return `/setup?token=${token}`;
}
