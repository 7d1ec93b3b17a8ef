import type { Grant } from '@/lib/access/grant';
import { AppError } from '@/lib/core/errors';
import type { ServiceContext } from '../context';
import { newId } from '../context';
import type { Transaction } from '../transact';

/** Replaces a person's grants. Throws `invalid` for a site that is not there. */
export async function storeGrants(
  ctx: ServiceContext,
  tx: Transaction,
  userId: string,
  grants: readonly Grant[],
): Promise<void> {
  const siteIds = grants.flatMap(({ siteId }) => siteId ?? []);
  const known = await tx.prisma.site.count({ where: { id: { in: siteIds }, deletedAt: null } });
  if (known !== siteIds.length) throw new AppError('invalid', 'A grant names a site that does not exist.');
  await tx.prisma.grant.deleteMany({ where: { userId } });
  await tx.prisma.grant.createMany({
    data: grants.map(({ siteId, role }) => ({
      id: newId('g'),
      userId,
      siteId,
      role,
      createdBy: ctx.actor.email,
    })),
  });
}

/**
 * Refuses a change after which nobody could manage users any more. Call it after the change, inside its transaction;
 * the audit's lock, taken first by every caller, keeps two such changes apart.
 */
export async function refuseWithoutAdmin(tx: Transaction): Promise<void> {
  const left = await tx.prisma.grant.count({
    where: {
      siteId: null,
      role: 'admin',
      user: { disabledAt: null, accounts: { some: { password: { not: null } } } },
    },
  });
  if (left === 0) {
    throw new AppError(
      'conflict',
      'Nobody would be left to manage users. Make somebody else an administrator first.',
    );
  }
}
