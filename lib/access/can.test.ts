import { describe, expect, it } from 'vitest';
import { SiteId } from '@/lib/core/ids';
import { can, toAllowedSites } from './can';
import type { Grant } from './grant';
import type { Permission, UserRole } from './permission';
import { PERMISSIONS, toLowerRole } from './permission';

const [own, other] = [SiteId.parse('s-own'), SiteId.parse('s-other')];
const RANK = { viewer: 1, operator: 2, admin: 3 } as const;
const roles: readonly UserRole[] = ['viewer', 'operator', 'admin'];
const permissions = Object.keys(PERMISSIONS) as Permission[]; // keys of the record it is declared over

describe('can', () => {
  it.each(permissions.flatMap((permission) => roles.map((role) => [permission, role] as const)))(
    '%s for %s',
    (permission, role) => {
      const rule = PERMISSIONS[permission];
      const isEnough = RANK[role] >= RANK[rule.role];
      const everywhere: Grant[] = [{ siteId: null, role }];
      const here: Grant[] = [{ siteId: own, role }];
      expect(can(everywhere, permission, own).allowed).toBe(isEnough);
      expect(can(everywhere, permission).allowed).toBe(isEnough);
      expect(can(here, permission, own).allowed).toBe(isEnough && rule.scope === 'site');
      expect(can(here, permission).allowed).toBe(isEnough && rule.scope === 'site');
      expect(can(here, permission, other).allowed).toBe(false);
      expect(can([], permission, own).allowed).toBe(false);
    },
  );

  it('adds up grants and says in words what is missing', () => {
    const grants: Grant[] = [
      { siteId: null, role: 'viewer' },
      { siteId: own, role: 'operator' },
    ];
    expect(can(grants, 'site.edit', own).allowed).toBe(true);
    expect(can(grants, 'site.edit', other)).toEqual({
      allowed: false,
      reason: 'You may not change this site: that needs the role operator.',
    });
    expect(can(grants, 'user.manage')).toMatchObject({
      reason: expect.stringContaining('admin on all sites') as string,
    });
  });
});

describe('toAllowedSites', () => {
  it('names the sites, or all', () => {
    const grants: Grant[] = [
      { siteId: own, role: 'operator' },
      { siteId: other, role: 'viewer' },
    ];
    expect(toAllowedSites(grants, 'site.view')).toEqual([own, other]);
    expect(toAllowedSites(grants, 'site.edit')).toEqual([own]);
    expect(toAllowedSites(grants, 'user.manage')).toEqual([]);
    expect(toAllowedSites([...grants, { siteId: null, role: 'viewer' }], 'site.view')).toBe('all');
  });
});

describe('toLowerRole', () => {
  it('never raises a role', () => {
    for (const role of roles) {
      for (const cap of roles) expect(RANK[toLowerRole(role, cap)]).toBe(Math.min(RANK[role], RANK[cap]));
    }
  });
});
