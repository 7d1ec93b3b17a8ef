import { UserRole } from '@/lib/access/permission';
import type { UserView } from '@/lib/access/user-view';
import type { Prisma } from '@/lib/db/generated/client';

/** What a UserView is made from; never the password's hash. */
export const USER_ROW = {
  id: true,
  email: true,
  name: true,
  disabledAt: true,
  twoFactorEnabled: true,
  createdAt: true,
  accounts: { select: { id: true }, where: { providerId: 'credential', password: { not: null } } },
  grants: {
    select: { siteId: true, role: true, site: { select: { name: true } } },
    orderBy: { createdAt: 'asc' },
  },
} as const satisfies Prisma.UserSelect;

type UserRow = Prisma.UserGetPayload<{ select: typeof USER_ROW }>;

export function toUserView(row: UserRow): UserView {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    disabled: row.disabledAt !== null,
    twoFactor: row.twoFactorEnabled,
    hasPassword: row.accounts.length > 0,
    createdAt: row.createdAt.toISOString(),
    grants: row.grants.map(({ siteId, role, site }) => ({
      siteId,
      siteName: site?.name ?? null,
      role: UserRole.parse(role),
    })),
  };
}
