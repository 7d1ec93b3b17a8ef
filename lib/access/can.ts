import type { Grant } from './grant';
import type { Permission } from './permission';
import { includesRole, PERMISSIONS } from './permission';

/** The answer and, when it is no, the reason in words for a person. */
export type Answer = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/**
 * Whether grants allow something. For a permission of scope `site`, leaving `siteId` out asks "on any site", which
 * opens lists and forms whose services look at each site again.
 */
export function can(grants: readonly Grant[], permission: Permission, siteId?: string): Answer {
  const { role, scope, words } = PERMISSIONS[permission];
  const isAllowed = grants.some((grant) => {
    const covers =
      grant.siteId === null || (scope === 'site' && (siteId === undefined || grant.siteId === siteId));
    return covers && includesRole(grant.role, role);
  });
  if (isAllowed) return { allowed: true };
  const needed = scope === 'all' ? `${role} on all sites` : role;
  return { allowed: false, reason: `You may not ${words}: that needs the role ${needed}.` };
}

/** Ids of the sites on which the permission holds, or `all`. */
export function toAllowedSites(grants: readonly Grant[], permission: Permission): 'all' | string[] {
  const { role, scope } = PERMISSIONS[permission];
  const fitting = grants.filter((grant) => includesRole(grant.role, role));
  if (fitting.some((grant) => grant.siteId === null)) return 'all';
  return scope === 'all' ? [] : fitting.flatMap((grant) => grant.siteId ?? []);
}
