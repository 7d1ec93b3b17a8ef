import type { Actor } from '@/lib/access/grant';
import { Grant } from '@/lib/access/grant';
import { toLowerRole, UserRole } from '@/lib/access/permission';
import type { Prisma } from '@/lib/db/generated/client';
import { toTokenHash } from '@/lib/secrets/opaque-token';
import { ABSOLUTE_S, IP_HEADER, REQUEST_ID_HEADER } from './create-auth';
import type { WebRuntime } from './runtime';

const USER = {
  id: true,
  email: true,
  name: true,
  disabledAt: true,
  grants: {
    select: { siteId: true, role: true },
    where: { OR: [{ siteId: null }, { site: { deletedAt: null } }] },
  },
} as const satisfies Prisma.UserSelect;

type UserRow = Prisma.UserGetPayload<{ select: typeof USER }>;

interface Where {
  readonly ip: string;
  readonly requestId: string;
}

function toWhere(headers: Headers): Where {
  return { ip: headers.get(IP_HEADER) ?? '', requestId: headers.get(REQUEST_ID_HEADER) ?? '' };
}

function toActor(
  user: UserRow,
  via: Actor['via'],
  credentialId: string,
  where: Where,
  cap?: UserRole,
): Actor {
  const grants = user.grants.map(({ siteId, role }) => {
    const own = UserRole.parse(role);
    return Grant.parse({ siteId, role: cap ? toLowerRole(own, cap) : own });
  });
  return { userId: user.id, email: user.email, name: user.name, grants, via, credentialId, ...where };
}

function isOver(createdAt: Date): boolean {
  return Date.now() - createdAt.getTime() > ABSOLUTE_S * 1_000;
}

/** Who the session cookie of a request belongs to, or null. Renews the idle time, never beyond 7 days in all. */
export async function findSessionActor(runtime: WebRuntime, headers: Headers): Promise<Actor | null> {
  const found = await runtime.auth.api.getSession({ headers });
  if (!found) return null;
  const { prisma } = runtime.db;
  if (isOver(found.session.createdAt)) {
    await prisma.session.deleteMany({ where: { id: found.session.id } });
    return null;
  }
  const user = await prisma.user.findUnique({ where: { id: found.user.id }, select: USER });
  if (!user || user.disabledAt) return null;
  return toActor(user, 'session', found.session.id, toWhere(headers));
}

/** How often a token's last use is written down. */
const LAST_USED_EVERY_MS = 60_000;

/** Who a bearer token belongs to, with their grants capped by the token's role, or null. */
export async function findTokenActor(runtime: WebRuntime, headers: Headers): Promise<Actor | null> {
  const token = /^Bearer (sp_[A-Za-z0-9_-]{43})$/i.exec(headers.get('authorization') ?? '')?.[1];
  if (!token) return null;
  const { prisma } = runtime.db;
  const row = await prisma.apiToken.findUnique({
    where: { tokenHash: toTokenHash(token) },
    select: {
      id: true,
      role: true,
      expiresAt: true,
      revokedAt: true,
      lastUsedAt: true,
      user: { select: USER },
    },
  });
  if (!row || row.revokedAt || row.expiresAt < new Date() || row.user.disabledAt) return null;
  if (!row.lastUsedAt || Date.now() - row.lastUsedAt.getTime() > LAST_USED_EVERY_MS) {
    await prisma.apiToken.update({
      where: { id: row.id },
      data: { lastUsedAt: new Date() },
      select: { id: true },
    });
  }
  return toActor(row.user, 'token', row.id, toWhere(headers), UserRole.parse(row.role));
}

/**
 * The same actor as the database knows them now, or null when their session, token or account has ended. Open streams
 * ask every few seconds (S21).
 */
export async function reloadActor(runtime: WebRuntime, actor: Actor): Promise<Actor | null> {
  const { prisma } = runtime.db;
  const now = new Date();
  if (actor.via === 'token') {
    const row = await prisma.apiToken.findFirst({
      where: { id: actor.credentialId, revokedAt: null, expiresAt: { gt: now }, user: { disabledAt: null } },
      select: { role: true, user: { select: USER } },
    });
    return row && toActor(row.user, 'token', actor.credentialId, actor, UserRole.parse(row.role));
  }
  const row = await prisma.session.findFirst({
    where: { id: actor.credentialId, expiresAt: { gt: now }, user: { disabledAt: null } },
    select: { createdAt: true, user: { select: USER } },
  });
  return row && !isOver(row.createdAt) ? toActor(row.user, 'session', actor.credentialId, actor) : null;
}
