import { z } from 'zod';
import { Grant } from './grant';
import { UserRole } from './permission';

export const UserView = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  disabled: z.boolean(),
  twoFactor: z.boolean(),
  /** False while the invitation was not used yet. */
  hasPassword: z.boolean(),
  createdAt: z.string(),
  grants: z.array(
    z.object({ siteId: z.string().nullable(), siteName: z.string().nullable(), role: UserRole }),
  ),
});
export type UserView = z.infer<typeof UserView>;

const Grants = z
  .array(Grant)
  .max(1_000)
  .refine(
    (grants) => new Set(grants.map(({ siteId }) => siteId)).size === grants.length,
    'one role per site',
  );

export const PersonName = z.string().trim().min(1, 'type a name').max(100);
export const Email = z.email('not an e-mail address').trim().toLowerCase().max(200);
/** Passwords are long, never composed by rules (OWASP ASVS 5.0, 6.2). */
export const Password = z
  .string()
  .min(12, 'use at least 12 characters')
  .max(128, 'use at most 128 characters');

export const CreateUserInput = z.strictObject({ email: Email, name: PersonName, grants: Grants });
export type CreateUserInput = z.infer<typeof CreateUserInput>;

export const SetGrantsInput = z.strictObject({ userId: z.string().min(1), grants: Grants });
export type SetGrantsInput = z.infer<typeof SetGrantsInput>;

export const ApiTokenView = z.object({
  id: z.string(),
  name: z.string(),
  role: UserRole,
  createdAt: z.string(),
  expiresAt: z.string(),
  lastUsedAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
});
export type ApiTokenView = z.infer<typeof ApiTokenView>;

export const CreateApiTokenInput = z.strictObject({
  name: z.string().trim().min(1, 'give it a name').max(80),
  role: UserRole,
  days: z.int().min(1, 'at least a day').max(366, 'at most a year'),
});
export type CreateApiTokenInput = z.infer<typeof CreateApiTokenInput>;
