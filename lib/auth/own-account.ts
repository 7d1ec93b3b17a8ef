import { isAPIError } from 'better-auth/api';
import { headers } from 'next/headers';
import { AppError } from '@/lib/core/errors';
import { takeFromRate } from '@/lib/db/rate-limit';
import { auditAccount, isPassword, setPassword } from './accounts';
import { toTooMany } from './too-many';
import { webRuntime } from './runtime';
import type { WebContext } from './session';
import { setAuthCookies } from './session-cookie';

/** Wrong passwords of a signed-in person are counted as well: an open browser must not become a guessing machine. */
async function takePasswordRate(ctx: WebContext): Promise<void> {
  const rate = { key: `password:${ctx.actor.userId}`, limit: 10, windowS: 60 };
  const { allowed, retryAfterS } = await takeFromRate(ctx.db.pool, rate);
  if (!allowed) throw toTooMany(retryAfterS);
}

function toAccount(ctx: WebContext) {
  return { db: ctx.db, auditKey: ctx.keys.audit, by: ctx.actor };
}

function refuseToken(ctx: WebContext): void {
  if (ctx.actor.via === 'token') throw new AppError('forbidden', 'Only a signed-in person may do this.');
}

/** Changes one's own password; every other session of the person ends. */
export async function changeOwnPassword(
  ctx: WebContext,
  input: { currentPassword: string; newPassword: string },
): Promise<void> {
  refuseToken(ctx);
  await takePasswordRate(ctx);
  const { userId, credentialId } = ctx.actor;
  if (!(await isPassword(ctx.db, userId, input.currentPassword))) {
    const message = 'The present password is wrong.';
    throw new AppError('invalid', message, { fields: { currentPassword: message } });
  }
  await setPassword(toAccount(ctx), { userId, password: input.newPassword, keepSessionId: credentialId });
}

/** Calls the sign-in library for the person at hand; its refusals become `invalid` with `message`. */
async function asSelf<T>(ctx: WebContext, message: string, work: (own: Headers) => Promise<T>): Promise<T> {
  refuseToken(ctx);
  await takePasswordRate(ctx);
  try {
    return await work(await headers());
  } catch (error) {
    if (!isAPIError(error)) throw error;
    throw new AppError('invalid', message, { cause: error });
  }
}

/** Ends every session of the person but the newest: the one that the library has just made for the request at hand (S22). */
async function endOlderSessions(ctx: WebContext): Promise<void> {
  const { prisma } = ctx.db;
  const { userId } = ctx.actor;
  const newest = await prisma.session.findFirst({
    where: { userId },
    orderBy: { createdAt: 'desc' },
    select: { id: true },
  });
  if (newest) await prisma.session.deleteMany({ where: { userId, id: { not: newest.id } } });
}

/** Begins a second factor: the URI for the authenticator and backup codes, both shown once. Not yet asked for at sign-in. */
export async function startSecondFactor(
  ctx: WebContext,
  input: { password: string },
): Promise<{ uri: string; backupCodes: string[] }> {
  const { auth } = await webRuntime();
  return asSelf(ctx, 'The password is wrong, or a second factor is set already.', async (own) => {
    const answer = await auth.api.enableTwoFactor({ body: { password: input.password }, headers: own });
    if (!('totpURI' in answer)) throw new Error('the sign-in library gave no TOTP secret');
    await auditAccount(toAccount(ctx), 'user.second-factor-start', ctx.actor.userId);
    return { uri: answer.totpURI, backupCodes: answer.backupCodes };
  });
}

/** Proves that the authenticator works: from now on sign-ins ask for a code. The session is renewed. */
export async function confirmSecondFactor(ctx: WebContext, input: { code: string }): Promise<void> {
  const { auth, env } = await webRuntime();
  await asSelf(ctx, 'The code is wrong or too old. Type the one that shows now.', async (own) => {
    const answer = await auth.api.verifyTOTP({
      body: { code: input.code.trim() },
      headers: own,
      returnHeaders: true,
    });
    await setAuthCookies(answer.headers, env.publicUrl);
    await endOlderSessions(ctx);
    await auditAccount(toAccount(ctx), 'user.second-factor-set', ctx.actor.userId);
  });
}

/** Takes the second factor away; wants the password. The session is renewed. */
export async function stopSecondFactor(ctx: WebContext, input: { password: string }): Promise<void> {
  const { auth, env } = await webRuntime();
  await asSelf(ctx, 'The password is wrong.', async (own) => {
    const answer = await auth.api.disableTwoFactor({
      body: { password: input.password },
      headers: own,
      returnHeaders: true,
    });
    await setAuthCookies(answer.headers, env.publicUrl);
    await endOlderSessions(ctx);
    await auditAccount(toAccount(ctx), 'user.second-factor-removed', ctx.actor.userId);
  });
}
