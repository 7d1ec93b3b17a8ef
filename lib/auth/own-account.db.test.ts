import { parseSetCookieHeader } from 'better-auth/cookies';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import { toTotp } from '@/lib/testing/to-totp';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { toCookieName } from './create-auth';
import { findSessionActor } from './find-actor';
import { changeOwnPassword, confirmSecondFactor, startSecondFactor, stopSecondFactor } from './own-account';
import type { WebContext } from './session';
import { signInWithCode, signInWithPassword } from './sign-in';

/** The request that Next would give: its headers, and the cookies that an answer sets. */
const request = vi.hoisted(() => ({ headers: new Headers(), set: new Map<string, string>() }));
vi.mock('next/headers', () => ({
  headers: () => Promise.resolve(request.headers),
  cookies: () => Promise.resolve({ set: (name: string, value: string) => void request.set.set(name, value) }),
}));

const PASSWORD = 'correct horse battery';
let database: TestDatabase;
let web: WebFixture;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  (globalThis as Record<symbol, unknown>)[Symbol.for('siteplan.web-runtime')] = Promise.resolve(web.runtime); // as the server does
});
afterAll(() => database.drop());
beforeEach(() => request.set.clear());

const NAME = toCookieName('http://127.0.0.1:3000');

function toCookie(answer: Headers, name: string): Headers {
  const cookies = new Map(answer.getSetCookie().flatMap((line) => [...parseSetCookieHeader(line)]));
  return new Headers({ cookie: `${name}=${encodeURIComponent(cookies.get(name)?.value ?? '')}` });
}

/** A new browser of the person, with a backup code where a second factor is set. */
async function signIn(email: string, backupCode?: string): Promise<Headers> {
  const first = await signInWithPassword(web.runtime, new Headers(), { email, password: PASSWORD });
  if (backupCode === undefined) return toCookie(first.headers, NAME);
  const pending = toCookie(first.headers, 'siteplan.two_factor');
  return toCookie((await signInWithCode(web.runtime, pending, { code: backupCode })).headers, NAME);
}

/** A person with two browsers; what is done next is done in the first. */
async function twoBrowsers() {
  const { email } = (await web.createPerson([], PASSWORD)).actor;
  const [own, other] = [await signIn(email), await signIn(email)];
  request.headers = own;
  const actor = await findSessionActor(web.runtime, own);
  if (!actor) throw new Error('not signed in');
  const ctx: WebContext = { db: web.runtime.db, keys: web.runtime.keys, actor };
  return { ctx, own, other };
}
const isSignedIn = async (headers: Headers) => (await findSessionActor(web.runtime, headers)) !== null;
/** The session that the last answer handed to the browser. */
function renewed(): Headers {
  return new Headers({ cookie: `${NAME}=${encodeURIComponent(request.set.get(NAME) ?? '')}` });
}

/** Sets a second factor in the browser at hand; answers its backup codes. */
async function setSecondFactor(ctx: WebContext): Promise<string[]> {
  const { uri, backupCodes } = await startSecondFactor(ctx, { password: PASSWORD });
  const secret = new URL(uri).searchParams.get('secret') ?? '';
  await confirmSecondFactor(ctx, { code: toTotp(secret, Date.now()) });
  return backupCodes;
}

describe('a change of how one signs in renews the session and ends the others (S22)', () => {
  it('when a second factor is set', async () => {
    const { ctx, own, other } = await twoBrowsers();
    await setSecondFactor(ctx);
    expect([await isSignedIn(own), await isSignedIn(other)]).toEqual([false, false]);
    expect(await isSignedIn(renewed())).toBe(true);
  });

  it('when it is taken away', async () => {
    const { ctx } = await twoBrowsers();
    const [backupCode] = await setSecondFactor(ctx);
    const before = renewed();
    const other = await signIn(ctx.actor.email, backupCode);
    expect([await isSignedIn(before), await isSignedIn(other)]).toEqual([true, true]);
    request.headers = before;
    request.set.clear();
    await stopSecondFactor(ctx, { password: PASSWORD });
    expect([await isSignedIn(before), await isSignedIn(other)]).toEqual([false, false]);
    expect(await isSignedIn(renewed())).toBe(true);
  });

  it('and a wrong password or code changes nothing', async () => {
    const { ctx, own, other } = await twoBrowsers();
    await expect(startSecondFactor(ctx, { password: 'wrong' })).rejects.toMatchObject({ code: 'invalid' });
    const { uri } = await startSecondFactor(ctx, { password: PASSWORD });
    expect(uri).toMatch(/^otpauth:/);
    await expect(confirmSecondFactor(ctx, { code: '000000' })).rejects.toMatchObject({ code: 'invalid' });
    const change = { currentPassword: 'wrong', newPassword: 'another long password' };
    await expect(changeOwnPassword(ctx, change)).rejects.toMatchObject({ code: 'invalid' });
    expect([await isSignedIn(own), await isSignedIn(other)]).toEqual([true, true]);
  });

  it('when the password is changed, but for the browser that changed it', async () => {
    const { ctx, own, other } = await twoBrowsers();
    await changeOwnPassword(ctx, { currentPassword: PASSWORD, newPassword: 'another long password' });
    expect([await isSignedIn(own), await isSignedIn(other)]).toEqual([true, false]);
  });
});
