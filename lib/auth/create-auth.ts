import { randomBytes } from 'node:crypto';
import { betterAuth } from 'better-auth';
import { twoFactor } from 'better-auth/plugins/two-factor';
import { toOpaqueId } from '@/lib/core/ids';
import type { PrismaClient } from '@/lib/db/generated/client';
import { createOpaqueToken } from '@/lib/secrets/opaque-token';
import { hashedSessionAdapter } from './hashed-session-adapter';

/** Idle sessions end after 12 hours, all of them after 7 days (S22). */
export const IDLE_S = 12 * 3_600;
export const ABSOLUTE_S = 7 * 86_400;
/** How old a session's row may be before a request renews it. */
const RENEW_AFTER_S = 600;

/** Headers that our server sets and nobody else can: it strips them from what comes in. */
export const IP_HEADER = 'x-siteplan-ip';
export const PATH_HEADER = 'x-siteplan-path';
export const REQUEST_ID_HEADER = 'x-request-id';

/** Name of the session cookie: the `__Host-` prefix wants Secure, so plain http on loopback goes without. */
export function toCookieName(publicUrl: string, name = 'siteplan'): string {
  return publicUrl.startsWith('https:') ? `__Host-${name}` : name;
}

/**
 * The sign-in library, reduced to e-mail, password and TOTP. None of its HTTP endpoints is mounted: our own actions
 * call its functions, behind our rate limit. Sign-up is closed; accounts come from `accounts.ts` and `setup.ts`.
 */
export function createAuth(options: { prisma: PrismaClient; sessionKey: Buffer; publicUrl: string }) {
  const { prisma, sessionKey, publicUrl } = options;
  const isHttps = publicUrl.startsWith('https:');
  return betterAuth({
    appName: 'Siteplan',
    baseURL: publicUrl,
    secret: sessionKey.toString('base64'),
    database: hashedSessionAdapter(prisma),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 12, maxPasswordLength: 128 },
    session: { expiresIn: IDLE_S, updateAge: RENEW_AFTER_S, cookieCache: { enabled: false } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins: [twoFactor({ issuer: 'Siteplan' })],
    advanced: {
      useSecureCookies: false,
      disableCSRFCheck: false,
      defaultCookieAttributes: { secure: isHttps, httpOnly: true, sameSite: 'lax', path: '/' },
      cookiePrefix: toCookieName(publicUrl),
      cookies: { session_token: { name: toCookieName(publicUrl) } },
      ipAddress: { ipAddressHeaders: [IP_HEADER] },
      database: { generateId: ({ model }) => toOpaqueId(model.charAt(0), randomBytes(12)) },
    },
    databaseHooks: {
      session: {
        create: {
          /** 256 random bits, and no session for somebody who is shut out. */
          before: async (session) => {
            const user = await prisma.user.findFirst({
              where: { id: session.userId, disabledAt: null },
              select: { id: true },
            });
            return user ? { data: { ...session, token: createOpaqueToken() } } : false;
          },
        },
      },
    },
  });
}

export type Auth = ReturnType<typeof createAuth>;
