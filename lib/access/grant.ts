import { z } from 'zod';
import { SiteId } from '@/lib/core/ids';
import { UserRole } from './permission';

/** A right of a person: a role on one site, or on every site when `siteId` is null (contract 8). */
export const Grant = z.strictObject({ siteId: SiteId.nullable(), role: UserRole });
export type Grant = z.infer<typeof Grant>;

/** Who acts, as every service and the audit see it. Grants of a token are already capped by the token's role. */
export interface Actor {
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly via: 'session' | 'token';
  /** Id of the session or token row, to end the others on a password change. */
  readonly credentialId: string;
  readonly ip: string;
  readonly requestId: string;
}
