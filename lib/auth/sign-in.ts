import { isAPIError } from 'better-auth/api';
import { AppError } from '@/lib/core/errors';
import { takeFromRate } from '@/lib/db/rate-limit';
import { auditAccount } from './accounts';
import { IP_HEADER, REQUEST_ID_HEADER } from './create-auth';
import { findSessionActor } from './find-actor';
import type { WebRuntime } from './runtime';
import { toTooMany } from './too-many';

/** Tries per account and address, and per address over all accounts, in a minute (S26). */
const PER_ACCOUNT = 10;
const PER_ADDRESS = 60;

/** The part of an address that one customer has: a /64 of IPv6, all of IPv4. */
export function toRateAddress(ip: string): string {
  const address = ip.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase();
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const tailGroups = tail?.split(':').filter((group) => group !== '') ?? [];
  const missing = tail === undefined ? 0 : 8 - groups.length - tailGroups.length;
  const whole = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...tailGroups];
  return whole
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

async function takeSignInRate(runtime: WebRuntime, account: string, headers: Headers): Promise<void> {
  const address = toRateAddress(headers.get(IP_HEADER) ?? '');
  const rates = [
    { key: `sign-in:${account}:${address}`, limit: PER_ACCOUNT, windowS: 60 },
    { key: `sign-in-from:${address}`, limit: PER_ADDRESS, windowS: 60 },
  ];
  for (const rate of rates) {
    const { allowed, retryAfterS } = await takeFromRate(runtime.db.pool, rate);
    if (!allowed) throw toTooMany(retryAfterS);
  }
}

function toAccount(runtime: WebRuntime, headers: Headers, email: string) {
  const by = { email, ip: headers.get(IP_HEADER) ?? '', requestId: headers.get(REQUEST_ID_HEADER) ?? '' };
  return { db: runtime.db, auditKey: runtime.keys.audit, by };
}

export interface SignedIn {
  readonly twoFactor: boolean;
  /** Carries the cookies for the browser. */
  readonly headers: Headers;
}

/**
 * Checks e-mail and password and begins a new session; the one that the browser had ends (rotation, S22). With a
 * second factor set, no session begins and `twoFactor` says so. Throws `unauthenticated` with one sentence for every reason.
 */
export async function signInWithPassword(
  runtime: WebRuntime,
  headers: Headers,
  input: { email: string; password: string },
): Promise<SignedIn> {
  const email = input.email.trim().toLowerCase();
  await takeSignInRate(runtime, email, headers);
  const before = await findSessionActor(runtime, headers);
  try {
    const answer = await runtime.auth.api.signInEmail({
      body: { email, password: input.password },
      headers,
      returnHeaders: true,
    });
    if (before) await runtime.db.prisma.session.deleteMany({ where: { id: before.credentialId } });
    const twoFactor = 'twoFactorRedirect' in answer.response;
    if (!twoFactor) await auditAccount(toAccount(runtime, headers, email), 'user.sign-in', email);
    return { twoFactor, headers: answer.headers };
  } catch (error) {
    if (!isAPIError(error)) throw error;
    await auditAccount(toAccount(runtime, headers, email), 'user.sign-in-refused', email.slice(0, 200));
    throw new AppError('unauthenticated', 'E-mail or password is wrong, or the account is disabled.', {
      cause: error,
    });
  }
}

/** The second half of a sign-in with TOTP, or with a backup code. Throws `unauthenticated`. */
export async function signInWithCode(
  runtime: WebRuntime,
  headers: Headers,
  input: { code: string },
): Promise<{ headers: Headers }> {
  await takeSignInRate(runtime, 'second-factor', headers);
  const code = input.code.trim();
  const isTotp = /^\d{6}$/.test(code);
  try {
    const answer = isTotp
      ? await runtime.auth.api.verifyTOTP({ body: { code }, headers, returnHeaders: true })
      : await runtime.auth.api.verifyBackupCode({ body: { code }, headers, returnHeaders: true });
    const { email } = answer.response.user;
    await auditAccount(toAccount(runtime, headers, email), 'user.sign-in', email, {
      secondFactor: isTotp ? 'totp' : 'backup code',
    });
    return { headers: answer.headers };
  } catch (error) {
    if (!isAPIError(error)) throw error;
    throw new AppError('unauthenticated', 'The code is wrong or too old. Type the one that shows now.', {
      cause: error,
    });
  }
}

/** Ends the session of a request, if there is one. */
export async function endSession(runtime: WebRuntime, headers: Headers): Promise<void> {
  const actor = await findSessionActor(runtime, headers);
  if (!actor) return;
  await runtime.db.prisma.session.deleteMany({ where: { id: actor.credentialId } });
  await auditAccount(toAccount(runtime, headers, actor.email), 'user.sign-out', actor.email);
}
