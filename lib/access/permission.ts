import { z } from 'zod';

/** What a person may be, per site or for all sites. Each role includes those after it. */
export const UserRole = z.enum(['admin', 'operator', 'viewer']);
export type UserRole = z.infer<typeof UserRole>;

const RANK: Readonly<Record<UserRole, number>> = { admin: 3, operator: 2, viewer: 1 };

/** True when `role` includes everything that `needed` may do. */
export function includesRole(role: UserRole, needed: UserRole): boolean {
  return RANK[role] >= RANK[needed];
}

/** The lower of two roles: what a token with `cap` may be. */
export function toLowerRole(role: UserRole, cap: UserRole): UserRole {
  return RANK[role] <= RANK[cap] ? role : cap;
}

interface PermissionRule {
  readonly role: UserRole;
  /** `site`: a role on that site (or on all); `all`: a role on all sites. */
  readonly scope: 'site' | 'all';
  /** For "You may not …": what is refused, in words. */
  readonly words: string;
}

/** Everything that may be allowed or refused, and to whom. Pages, routes, actions and services all ask this table. */
export const PERMISSIONS = {
  'site.view': { role: 'viewer', scope: 'site', words: 'see this site' },
  'site.create': { role: 'operator', scope: 'all', words: 'create sites' },
  'site.edit': { role: 'operator', scope: 'site', words: 'change this site' },
  'site.delete': { role: 'admin', scope: 'site', words: 'delete this site' },
  'host-key.view': { role: 'viewer', scope: 'site', words: 'see the host keys of this site' },
  'host-key.approve': { role: 'operator', scope: 'site', words: 'approve host keys of this site' },
  'job.view': { role: 'viewer', scope: 'site', words: 'see the jobs of this site' },
  'job.create': { role: 'operator', scope: 'site', words: 'check or plan this site' },
  'check.override': { role: 'operator', scope: 'site', words: 'override checks of this site' },
  'kubeconfig.get': { role: 'operator', scope: 'site', words: 'take the kubeconfig of this site' },
  /** What changes hosts without Siteplan: for those who may have Siteplan change them. The inventory says no more than the topology. */
  'bundle.get': { role: 'operator', scope: 'site', words: 'take the run-by-hand bundle of this site' },
  'plan.view': { role: 'viewer', scope: 'site', words: 'see the plans of this site' },
  'run.view': { role: 'viewer', scope: 'site', words: 'see the runs of this site' },
  'run.create': { role: 'operator', scope: 'site', words: 'start runs on this site' },
  'run.uninstall': { role: 'admin', scope: 'site', words: 'uninstall this site' },
  'run.control': { role: 'operator', scope: 'site', words: 'cancel, retry or skip in runs of this site' },
  /** Epochs are the whole installation's. */
  'fence.set': { role: 'admin', scope: 'all', words: 'set the fence of hosts' },
  'credential.list': { role: 'operator', scope: 'site', words: 'see credentials' },
  'credential.create': { role: 'operator', scope: 'site', words: 'add credentials' },
  /** A credential that lends the workers' own agent to whoever may use it. */
  'credential.create-agent': { role: 'admin', scope: 'all', words: 'use the agent of the workers' },
  'credential.delete': { role: 'admin', scope: 'all', words: 'delete credentials of other people' },
  /** Use of any credential anywhere; with a role on one site only, `lib/services/credentials/authorise-use` decides. */
  'credential.use': { role: 'operator', scope: 'all', words: 'use this credential' },
  'user.manage': { role: 'admin', scope: 'all', words: 'manage users' },
  'audit.view': { role: 'admin', scope: 'all', words: 'see the audit' },
} as const satisfies Record<string, PermissionRule>;

export type Permission = keyof typeof PERMISSIONS;
