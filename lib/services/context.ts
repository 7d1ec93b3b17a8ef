import { randomBytes } from 'node:crypto';
import { can } from '@/lib/access/can';
import type { Actor } from '@/lib/access/grant';
import type { Permission } from '@/lib/access/permission';
import { AppError } from '@/lib/core/errors';
import { toOpaqueId } from '@/lib/core/ids';
import type { Database } from '@/lib/db/connect';
import type { SealPublicKey } from '@/lib/secrets/seal';

/** What every service gets first: the database, the keys that the web may hold, and who acts. */
export interface ServiceContext {
  readonly db: Database;
  readonly keys: { readonly audit: Buffer; readonly seal: SealPublicKey };
  readonly actor: Actor;
}

/** Throws `forbidden` with the reason in words unless the actor's grants allow it. */
export function authorise(ctx: ServiceContext, permission: Permission, siteId?: string): void {
  const answer = can(ctx.actor.grants, permission, siteId);
  if (!answer.allowed) throw new AppError('forbidden', answer.reason);
}

/**
 * For things that belong to a site: a person who may not even see the site gets `not-found`, so that ids cannot be
 * tried out; one who sees it but lacks the role gets `forbidden` with the reason.
 */
export function authoriseOnSite(
  ctx: ServiceContext,
  permission: Permission,
  siteId: string,
  what = 'site',
): void {
  if (!can(ctx.actor.grants, 'site.view', siteId).allowed) throw notFound(what);
  authorise(ctx, permission, siteId);
}

/** The error for something that is not there, or not for this person. */
export function notFound(what: string): AppError {
  return new AppError('not-found', `There is no such ${what}, or you may not see it.`);
}

/** A new opaque id with a prefix for people who read logs. */
export function newId(prefix: string): string {
  return toOpaqueId(prefix, randomBytes(12));
}
