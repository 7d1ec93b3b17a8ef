import { createHmac } from 'node:crypto';
import { parseSetCookieHeader } from 'better-auth/cookies';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toTokenHash } from '@/lib/secrets/opaque-token';
import { createApiToken } from '@/lib/services/api-tokens/create-api-token';
import { revokeApiToken } from '@/lib/services/api-tokens/revoke-api-token';
import { createUser } from '@/lib/services/users/create-user';
import { setUserDisabled } from '@/lib/services/users/set-user-disabled';
import type { ServiceContext } from '@/lib/services/context';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { createFirstAdmin, createSetupLink, isPassword, setPassword } from './accounts';
import { createAuth, toCookieName } from './create-auth';
import { findSessionActor, findTokenActor, reloadActor } from './find-actor';
import { finishSetup } from './setup';
import { endSession, signInWithCode, signInWithPassword } from './sign-in';

const PASSWORD = 'correct horse battery';
const ORIGIN = { ip: '192.0.2.9', requestId: 'request-setup' };

let database: TestDatabase;
let web: WebFixture;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
});
afterAll(() => database.drop());

const by = { email: 'test', ip: '', requestId: '' };
const account = () => ({ db: database.web, auditKey: web.runtime.keys.audit, by });
let address = 0;
/** Request headers from an address of their own, so that tests do not share a rate. */
function fromBrowser(cookie?: string): Headers {
  address += 1;
  return new Headers({ 'x-siteplan-ip': `198.51.100.${address}`, ...(cookie && { cookie }) });
}
function toCookie(answer: Headers, name = toCookieName(web.runtime.env.publicUrl)): string {
  const cookies = new Map(answer.getSetCookie().flatMap((line) => [...parseSetCookieHeader(line)]));
  const value = cookies.get(name)?.value ?? '';
  return value === '' ? '' : `${name}=${encodeURIComponent(value)}`;
}
/** The code that an authenticator shows now (RFC 6238). */
function toTotp(base32: string): string {
  const bits = [...base32.replace(/=+$/, '')]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from(bits.match(/.{8}/g)?.map((byte) => parseInt(byte, 2)) ?? []);
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', key).update(counter).digest();
  const offset = (hash.at(-1) ?? 0) & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
async function signIn(ctx: ServiceContext, password = PASSWORD): Promise<string> {
  const answer = await signInWithPassword(web.runtime, fromBrowser(), { email: ctx.actor.email, password });
  return toCookie(answer.headers);
}

describe('the first administrator', () => {
  it('comes from a link that works once, of two uses at once too', async () => {
    const first = await createSetupLink(database.web);
    const token = (await createSetupLink(database.web)) ?? '';
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const input = { token, email: 'Ada@Example.net', name: 'Ada', password: PASSWORD };
    await expect(finishSetup(web.runtime, { ...input, token: first ?? '' }, ORIGIN)).rejects.toThrow(
      /does not work/,
    );
    await expect(finishSetup(web.runtime, { ...input, password: 'short' }, ORIGIN)).rejects.toMatchObject({
      fields: { password: expect.stringContaining('12') as string },
    });
    const uses = await Promise.allSettled([1, 2, 3].map(() => finishSetup(web.runtime, input, ORIGIN)));
    expect(uses.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await expect(finishSetup(web.runtime, input, ORIGIN)).rejects.toThrow();
    expect(await createSetupLink(database.web)).toBeNull();
    expect(await database.web.prisma.grant.findMany({ select: { siteId: true, role: true } })).toEqual([
      { siteId: null, role: 'admin' },
    ]);
    const answer = await signInWithPassword(web.runtime, fromBrowser(), {
      email: 'ada@example.net',
      password: PASSWORD,
    });
    expect(toCookie(answer.headers)).not.toBe('');
  });

  it('cannot be made a second time', async () => {
    const another = { email: 'eve@example.net', name: 'Eve', password: PASSWORD };
    await expect(createFirstAdmin(account(), another)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('stores neither link nor password in clear', async () => {
    const rows = await database.web.pool.query<{ text: string }>(
      'SELECT row_to_json(a)::text AS text FROM account a UNION ALL SELECT row_to_json(l)::text FROM setup_link l',
    );
    expect(rows.rows.length).toBeGreaterThan(1);
    expect(rows.rows.map(({ text }) => text).join()).not.toContain(PASSWORD);
  });

  it('leaves sign-up closed', async () => {
    const body = { email: 'eve@example.net', name: 'Eve', password: PASSWORD };
    await expect(web.runtime.auth.api.signUpEmail({ body })).rejects.toThrow();
    expect(await database.web.prisma.user.count({ where: { email: 'eve@example.net' } })).toBe(0);
  });
});

describe('sessions (S22)', () => {
  it('are opaque, of 256 bits, and stored by their hash', async () => {
    const person = await web.createPerson([{ siteId: null, role: 'viewer' }], PASSWORD);
    const cookie = await signIn(person);
    const token = decodeURIComponent(cookie.split('=')[1] ?? '').split('.')[0] ?? '';
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    const rows = await database.web.prisma.session.findMany({ where: { userId: person.actor.userId } });
    expect(rows.map((row) => row.token)).toEqual([toTokenHash(token)]);
    const actor = await findSessionActor(web.runtime, fromBrowser(cookie));
    expect(actor).toMatchObject({ userId: person.actor.userId, grants: [{ siteId: null, role: 'viewer' }] });
    const forged = `siteplan=${rows[0]?.token}.${cookie.split('.')[1]}`;
    expect(await findSessionActor(web.runtime, fromBrowser(forged))).toBeNull();
  });

  it('are not opened by the row’s hash even with the session key', async () => {
    const person = await web.createPerson([], PASSWORD);
    const sessionKey = Buffer.alloc(32, 7);
    const auth = createAuth({
      prisma: database.web.prisma,
      sessionKey,
      publicUrl: web.runtime.env.publicUrl,
    });
    const body = { email: person.actor.email, password: PASSWORD };
    const { headers } = await auth.api.signInEmail({ body, headers: fromBrowser(), returnHeaders: true });
    const runtime = { ...web.runtime, auth };
    expect(await findSessionActor(runtime, fromBrowser(toCookie(headers)))).not.toBeNull();
    const row = await database.web.prisma.session.findFirstOrThrow({
      where: { userId: person.actor.userId },
    });
    const signature = createHmac('sha256', sessionKey.toString('base64')).update(row.token).digest('base64');
    const forged = `siteplan=${encodeURIComponent(`${row.token}.${signature}`)}`;
    expect(await findSessionActor(runtime, fromBrowser(forged))).toBeNull();
  });

  it('go in a __Host- cookie over https and in a plain one on loopback', () => {
    expect(toCookieName('https://siteplan.example.net')).toBe('__Host-siteplan');
    expect(toCookieName('http://127.0.0.1:3000')).toBe('siteplan');
  });

  it('carry Secure, HttpOnly and SameSite over https', async () => {
    const person = await web.createPerson([], PASSWORD);
    const secure = createWebFixture(database, 'https://siteplan.example.net');
    const input = { email: person.actor.email, password: PASSWORD };
    const { headers } = await signInWithPassword(secure.runtime, fromBrowser(), input);
    const line = headers.getSetCookie().find((cookie) => cookie.startsWith('__Host-siteplan=')) ?? '';
    expect(line).toMatch(/Path=\/;/);
    expect(line).toMatch(/HttpOnly/);
    expect(line).toMatch(/Secure/);
    expect(line).toMatch(/SameSite=Lax/i);
    expect(line).not.toMatch(/Domain/i);
  });

  it('rotate at each sign-in', async () => {
    const person = await web.createPerson([], PASSWORD);
    const before = await signIn(person);
    const input = { email: person.actor.email, password: PASSWORD };
    const answer = await signInWithPassword(web.runtime, fromBrowser(before), input);
    const after = toCookie(answer.headers);
    expect(after).not.toBe(before);
    expect(await findSessionActor(web.runtime, fromBrowser(before))).toBeNull();
    expect(await findSessionActor(web.runtime, fromBrowser(after))).not.toBeNull();
  });

  it('end when idle for 12 hours, and after 7 days in any case', async () => {
    const person = await web.createPerson([], PASSWORD);
    const { userId } = person.actor;
    const cookie = await signIn(person);
    const row = await database.web.prisma.session.findFirstOrThrow({ where: { userId } });
    expect(row.expiresAt.getTime() - Date.now()).toBeGreaterThan(11.9 * 3_600_000);
    expect(row.expiresAt.getTime() - Date.now()).toBeLessThan(12.1 * 3_600_000);
    const actor = await findSessionActor(web.runtime, fromBrowser(cookie));
    await database.web.prisma.session.updateMany({
      where: { userId },
      data: { createdAt: new Date(Date.now() - 7.01 * 86_400_000) },
    });
    expect(actor && (await reloadActor(web.runtime, actor))).toBeNull();
    expect(await findSessionActor(web.runtime, fromBrowser(cookie))).toBeNull();
    const idle = await signIn(person);
    await database.web.prisma.session.updateMany({
      where: { userId },
      data: { expiresAt: new Date(Date.now() - 1_000) },
    });
    expect(await findSessionActor(web.runtime, fromBrowser(idle))).toBeNull();
  });

  it('renew their idle time when used', async () => {
    const person = await web.createPerson([], PASSWORD);
    const { userId } = person.actor;
    const cookie = await signIn(person);
    const soon = new Date(Date.now() + 3_600_000);
    await database.web.prisma.session.updateMany({ where: { userId }, data: { expiresAt: soon } });
    expect(await findSessionActor(web.runtime, fromBrowser(cookie))).not.toBeNull();
    const row = await database.web.prisma.session.findFirstOrThrow({ where: { userId } });
    expect(row.expiresAt.getTime()).toBeGreaterThan(soon.getTime() + 3_600_000);
  });

  it('all end with a new password, except the one that changed it', async () => {
    const person = await web.createPerson([], PASSWORD);
    const [own, other] = [await signIn(person), await signIn(person)];
    const actor = await findSessionActor(web.runtime, fromBrowser(own));
    const { userId } = person.actor;
    await setPassword(account(), {
      userId,
      password: 'another long password',
      keepSessionId: actor?.credentialId ?? '',
    });
    expect(await findSessionActor(web.runtime, fromBrowser(own))).not.toBeNull();
    expect(await findSessionActor(web.runtime, fromBrowser(other))).toBeNull();
    expect(await isPassword(database.web, userId, PASSWORD)).toBe(false);
    await expect(signIn(person)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('end at sign-out, and at once when the account is disabled', async () => {
    const admin = await web.createPerson([{ siteId: null, role: 'admin' }], PASSWORD);
    const person = await web.createPerson([], PASSWORD);
    const cookie = await signIn(person);
    await endSession(web.runtime, fromBrowser(cookie));
    expect(await findSessionActor(web.runtime, fromBrowser(cookie))).toBeNull();
    const open = await signIn(person);
    const actor = await findSessionActor(web.runtime, fromBrowser(open));
    await setUserDisabled(admin, { userId: person.actor.userId, disabled: true });
    expect(await findSessionActor(web.runtime, fromBrowser(open))).toBeNull();
    expect(actor && (await reloadActor(web.runtime, actor))).toBeNull();
    await expect(signIn(person)).rejects.toMatchObject({ code: 'unauthenticated' });
    await setUserDisabled(admin, { userId: person.actor.userId, disabled: false });
    expect(await signIn(person)).not.toBe('');
  });
});

describe('signing in', () => {
  it('answers a wrong password and an unknown person alike', async () => {
    const person = await web.createPerson([], PASSWORD);
    const wrong = signInWithPassword(web.runtime, fromBrowser(), {
      email: person.actor.email,
      password: 'x',
    });
    const unknown = signInWithPassword(web.runtime, fromBrowser(), {
      email: 'nobody@example.net',
      password: 'x',
    });
    const [a, b] = await Promise.allSettled([wrong, unknown]);
    expect(a).toMatchObject({ reason: { code: 'unauthenticated' } });
    expect(b).toMatchObject({ reason: { message: (a as PromiseRejectedResult).reason.message } });
  });

  it('allows ten tries a minute per account and address, whatever the case or the /64 (S26)', async () => {
    const person = await web.createPerson([], PASSWORD);
    const from = (ip: string) => new Headers({ 'x-siteplan-ip': ip });
    for (let i = 0; i < 10; i++) {
      const email = i % 2 === 0 ? person.actor.email.toUpperCase() : ` ${person.actor.email}`;
      const tried = signInWithPassword(web.runtime, from(`2001:db8:1:2::${i}`), { email, password: 'wrong' });
      await expect(tried).rejects.toMatchObject({ code: 'unauthenticated' });
    }
    const right = { email: person.actor.email, password: PASSWORD };
    await expect(signInWithPassword(web.runtime, from('2001:db8:1:2:ffff::1'), right)).rejects.toMatchObject({
      code: 'too-many',
      message: expect.stringMatching(/\d+ s/) as string,
    });
    expect(await signInWithPassword(web.runtime, from('2001:db8:1:3::1'), right)).toMatchObject({
      twoFactor: false,
    });
  });

  it('leaves a row in the audit, without the password', async () => {
    const person = await web.createPerson([], PASSWORD);
    await signIn(person);
    await signIn(person, 'wrong-password-canary').catch(() => undefined);
    const rows = await database.web.prisma.audit.findMany({ where: { actor: person.actor.email } });
    expect(rows.map(({ action }) => action)).toEqual([
      'user.password',
      'user.sign-in',
      'user.sign-in-refused',
    ]);
    expect(JSON.stringify(rows.map(({ seq: _seq, ...row }) => row))).not.toMatch(/canary|correct horse/);
  });
});

describe('a second factor', () => {
  it('is asked for once it is proven, and a backup code works once', async () => {
    const person = await web.createPerson([], PASSWORD);
    const cookie = await signIn(person);
    const { api } = web.runtime.auth;
    const begun = await api.enableTwoFactor({ body: { password: PASSWORD }, headers: fromBrowser(cookie) });
    if (!('totpURI' in begun)) throw new Error('no TOTP secret');
    const secret = new URL(begun.totpURI).searchParams.get('secret') ?? '';
    const input = { email: person.actor.email, password: PASSWORD };
    expect(await signInWithPassword(web.runtime, fromBrowser(), input)).toMatchObject({ twoFactor: false });
    const proven = await signIn(person);
    await api.verifyTOTP({ body: { code: toTotp(secret) }, headers: fromBrowser(proven) });

    const half = await signInWithPassword(web.runtime, fromBrowser(), input);
    expect(half.twoFactor).toBe(true);
    expect(toCookie(half.headers)).toBe('');
    expect(await findSessionActor(web.runtime, fromBrowser(toCookie(half.headers)))).toBeNull();
    const pending = toCookie(half.headers, 'siteplan.two_factor');
    expect(pending).not.toBe('');
    await expect(signInWithCode(web.runtime, fromBrowser(pending), { code: '000000' })).rejects.toMatchObject(
      {
        code: 'unauthenticated',
      },
    );
    const backup = begun.backupCodes[0] ?? '';
    const whole = await signInWithCode(web.runtime, fromBrowser(pending), { code: backup });
    expect(await findSessionActor(web.runtime, fromBrowser(toCookie(whole.headers)))).not.toBeNull();
    const again = toCookie(
      (await signInWithPassword(web.runtime, fromBrowser(), input)).headers,
      'siteplan.two_factor',
    );
    await expect(signInWithCode(web.runtime, fromBrowser(again), { code: backup })).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });
});

describe('invitations', () => {
  it('let a person set a password once', async () => {
    const admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
    const { link, userId } = await createUser(admin, { email: 'Bo@example.net', name: 'Bo', grants: [] });
    const token = new URL(link, 'http://x').searchParams.get('token') ?? '';
    const stored = await database.web.prisma.verification.findFirstOrThrow({
      where: { identifier: `invite:${userId}` },
    });
    expect(stored.value).toBe(toTokenHash(token));
    const input = { token, email: 'eve@example.net', name: '', password: PASSWORD };
    const uses = await Promise.allSettled([1, 2, 3].map(() => finishSetup(web.runtime, input, ORIGIN)));
    expect(uses.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(uses.find(({ status }) => status === 'fulfilled')).toMatchObject({
      value: { email: 'bo@example.net' },
    });
    await expect(finishSetup(web.runtime, input, ORIGIN)).rejects.toMatchObject({ code: 'not-found' });
    const answer = await signInWithPassword(web.runtime, fromBrowser(), {
      email: 'bo@example.net',
      password: PASSWORD,
    });
    expect(toCookie(answer.headers)).not.toBe('');
  });

  it('end after 72 hours', async () => {
    const admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
    const { link } = await createUser(admin, { email: 'cy@example.net', name: 'Cy', grants: [] });
    const token = new URL(link, 'http://x').searchParams.get('token') ?? '';
    const late = new Date(Date.now() - 1_000);
    await database.web.prisma.verification.updateMany({
      where: { value: toTokenHash(token) },
      data: { expiresAt: late },
    });
    const input = { token, email: '', name: '', password: PASSWORD };
    await expect(finishSetup(web.runtime, input, ORIGIN)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('API tokens', () => {
  const bearer = (token: string) => new Headers({ authorization: `Bearer ${token}` });

  it('act as their owner with at most their role, until they are revoked', async () => {
    const person = await web.createPerson([{ siteId: null, role: 'admin' }]);
    const { token, view } = await createApiToken(person, { name: 'ci', role: 'viewer', days: 30 });
    expect(token).toMatch(/^sp_[A-Za-z0-9_-]{43}$/);
    const row = await database.web.prisma.apiToken.findUniqueOrThrow({ where: { id: view.id } });
    expect(row.tokenHash).toBe(toTokenHash(token));
    const actor = await findTokenActor(web.runtime, bearer(token));
    expect(actor).toMatchObject({ via: 'token', grants: [{ siteId: null, role: 'viewer' }] });
    await expect(
      createApiToken({ ...person, actor: actor ?? person.actor }, { name: 'x', role: 'admin', days: 1 }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    await revokeApiToken(person, { tokenId: view.id });
    expect(await findTokenActor(web.runtime, bearer(token))).toBeNull();
    expect(actor && (await reloadActor(web.runtime, actor))).toBeNull();
  });

  it('end with their time and their owner', async () => {
    const person = await web.createPerson([]);
    const { token, view } = await createApiToken(person, { name: 'ci', role: 'viewer', days: 1 });
    expect(await findTokenActor(web.runtime, bearer(token))).not.toBeNull();
    const { prisma } = database.web;
    await prisma.user.update({ where: { id: person.actor.userId }, data: { disabledAt: new Date() } });
    expect(await findTokenActor(web.runtime, bearer(token))).toBeNull();
    await prisma.user.update({ where: { id: person.actor.userId }, data: { disabledAt: null } });
    await prisma.apiToken.update({ where: { id: view.id }, data: { expiresAt: new Date(Date.now() - 1) } });
    expect(await findTokenActor(web.runtime, bearer(token))).toBeNull();
  });

  it.each(['', 'Bearer', 'Bearer sp_short', 'Basic c3A6c3A=', `Bearer ${'a'.repeat(46)}`])(
    'refuse %j',
    async (value) => {
      expect(await findTokenActor(web.runtime, new Headers({ authorization: value }))).toBeNull();
    },
  );
});
