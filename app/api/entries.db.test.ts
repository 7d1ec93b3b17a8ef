import { toProblem } from '@/app/api-route';
import { parseSetCookieHeader } from 'better-auth/cookies';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { can } from '@/lib/access/can';
import type { Grant } from '@/lib/access/grant';
import type { EntryName } from '@/lib/access/permission-table';
import { PERMISSION_TABLE } from '@/lib/access/permission-table';
import { toCookieName } from '@/lib/auth/create-auth';
import { signInWithPassword } from '@/lib/auth/sign-in';
import { AppError } from '@/lib/core/errors';
import { SiteId } from '@/lib/core/ids';
import { createApiToken } from '@/lib/services/api-tokens/create-api-token';
import { createCredential } from '@/lib/services/credentials/create-credential';
import { createSite } from '@/lib/services/sites/create-site';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';

/*
 * S5, S4, S24 on the real route handlers: each is called as a stranger, with too little, and by a foreign page.
 */

type Handler = (request: Request, context: { params: Promise<Record<string, string>> }) => Promise<Response>;

const CANARY = 'canary-9f2c';
const PASSWORD = 'correct horse battery';
const ORIGIN = 'http://127.0.0.1:3000';
const ENTRIES = (Object.keys(PERMISSION_TABLE) as EntryName[]) // keys of the record it is declared over
  .filter((name) => /^(GET|POST|PUT|PATCH|DELETE) \/api\//.test(name))
  .map((name) => ({ name, method: name.split(' ')[0] ?? '', path: name.split(' ')[1] ?? '' }));

let database: TestDatabase;
let web: WebFixture;
let siteId: string;
let ids: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  (globalThis as Record<symbol, unknown>)[Symbol.for('siteplan.web-runtime')] = Promise.resolve(web.runtime); // as the server does
  const admin = await web.createPerson([{ siteId: null, role: 'admin' }], PASSWORD);
  const secrets = { password: `${CANARY}-password`, sudoPassword: `${CANARY}-sudo` };
  const credential = await createCredential(admin, { kind: 'password', name: 'c', ...secrets });
  const node = { name: 's1', role: 'server', internalIp: '192.0.2.1', ssh: { credentialId: credential.id } };
  siteId = (await createSite(admin, { name: 'own', topology: { pattern: 'custom', nodes: [node] } })).siteId;
  ids = {
    siteId,
    revision: '1',
    credentialId: credential.id,
    jobId: 'j-none',
    planId: 'p-none',
    runId: 'r-none',
    overrideId: 'o-none',
    field: 's3-access-key',
  };
});
afterAll(() => database.drop());

async function call(entry: (typeof ENTRIES)[number], headers: Record<string, string>): Promise<Response> {
  const module = (await import(/* @vite-ignore */ `../${entry.path.slice(1)}/route`)) as Record<
    string,
    Handler
  >; // Next's contract for route files
  const handler = module[entry.method];
  if (!handler) throw new Error(`${entry.name} has no handler`);
  const url = new URL(
    entry.path.replace(/\[(\w+)\]/g, (_, name: string) => ids[name] ?? name),
    ORIGIN,
  );
  if (entry.path.endsWith('/stream')) url.searchParams.set('topics', 'sites');
  const isWrite = entry.method !== 'GET';
  const request = new Request(url, {
    method: entry.method,
    headers: { ...(isWrite && { 'content-type': 'application/json' }), ...headers },
    ...(isWrite && { body: '{}' }),
  });
  return handler(request, { params: Promise.resolve(ids) });
}

async function tokenOf(grants: readonly Grant[]): Promise<Record<string, string>> {
  const person = await web.createPerson(grants);
  const { token } = await createApiToken(person, { name: 'test', role: 'admin', days: 1 });
  return { authorization: `Bearer ${token}` };
}

async function cookieOf(): Promise<Record<string, string>> {
  const person = await web.createPerson([{ siteId: null, role: 'admin' }], PASSWORD);
  const { headers } = await signInWithPassword(web.runtime, new Headers(), {
    email: person.actor.email,
    password: PASSWORD,
  });
  const name = toCookieName(ORIGIN);
  const cookies = new Map(headers.getSetCookie().flatMap((line) => [...parseSetCookieHeader(line)]));
  return { cookie: `${name}=${encodeURIComponent(cookies.get(name)?.value ?? '')}` };
}

describe('API entries', () => {
  it.each(ENTRIES)('$name answers strangers with 401 and problem details', async (entry) => {
    for (const headers of [
      {},
      { authorization: `Bearer sp_${'A'.repeat(43)}` },
      { cookie: 'siteplan=x.y' },
    ]) {
      const isForeign = entry.method !== 'GET' && !('authorization' in headers);
      const response = await call(entry, headers);
      expect(response.status).toBe(isForeign ? 403 : 401);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
    if (entry.method !== 'GET')
      expect((await call(entry, { origin: ORIGIN, cookie: 'siteplan=x.y' })).status).toBe(401);
  });

  it.each(ENTRIES)('$name answers those who lack the right with 403', async (entry) => {
    const shapes: Grant[][] = [
      [],
      [{ siteId: null, role: 'viewer' }],
      [{ siteId: SiteId.parse(siteId), role: 'operator' }],
    ];
    const need: string = PERMISSION_TABLE[entry.name];
    for (const grants of shapes) {
      const response = await call(entry, await tokenOf(grants));
      await response.body?.cancel();
      const permission = need === 'signed-in' ? null : (need as Parameters<typeof can>[1]); // every other need is one
      const site = entry.path.includes('[siteId]') ? siteId : undefined;
      const isAllowed = permission === null || can(grants, permission, site).allowed;
      if (!isAllowed) expect(response.status).toBe(403);
      else expect([401, 500]).not.toContain(response.status);
    }
  });

  it('refuses writes that another site’s page sends with the cookie (S24)', async () => {
    const cookie = await cookieOf();
    for (const entry of ENTRIES.filter(({ method }) => method !== 'GET')) {
      const foreign = [
        { origin: 'https://evil.example.net' },
        { 'sec-fetch-site': 'cross-site' },
        { origin: 'null' },
        {},
      ];
      for (const headers of [...foreign, { origin: ORIGIN, 'sec-fetch-site': 'same-site' }]) {
        const response = await call(entry, { ...cookie, ...headers });
        expect(response.status, entry.name).toBe(403);
      }
      const own = await call(entry, { ...cookie, origin: ORIGIN, 'sec-fetch-site': 'same-origin' });
      expect((await own.text()).includes('came from another site'), entry.name).toBe(false);
    }
  });

  it('changes nothing on a GET', async () => {
    const admin = await tokenOf([{ siteId: null, role: 'admin' }]);
    const writes = async () => {
      const audit = await database.web.prisma.audit.count();
      const sites = await database.web.prisma.site.findMany({ orderBy: { id: 'asc' } });
      const revisions = await database.web.prisma.topologyRevision.count();
      return JSON.stringify([audit, sites, revisions, await database.web.prisma.job.count()]);
    };
    const before = await writes();
    for (const entry of ENTRIES.filter(({ method }) => method === 'GET'))
      await (await call(entry, admin)).body?.cancel();
    expect(await writes()).toBe(before);
  });

  it('refuses cursors that no database could have given', async () => {
    const admin = await tokenOf([{ siteId: null, role: 'admin' }]);
    const { GET } = (await import('./v1/audit/route')) as unknown as { GET: Handler }; // Next's contract for route files
    for (const before of ['9223372036854775808', '9'.repeat(19), '1'.repeat(20), 'x', '-1']) {
      const url = `${ORIGIN}/api/v1/audit?before=${before}`;
      const response = await GET(new Request(url, { headers: admin }), { params: Promise.resolve({}) });
      expect(response.status, before).toBe(422);
    }
  });

  it('calls text that no column can hold a mistake of the request, wherever it stands', async () => {
    const admin = await tokenOf([{ siteId: null, role: 'admin' }]);
    const lists = (await import('./v1/runs/route')) as unknown as { GET: Handler }; // Next's contract for route files
    for (const query of ['siteId=%00', 'siteId=x%00', 'before=%00', 'siteId=NONE']) {
      const request = new Request(`${ORIGIN}/api/v1/runs?${query}`, { headers: admin });
      const response = await lists.GET(request, { params: Promise.resolve({}) });
      expect(response.status, query).toBe(422);
      expect(await response.json()).toMatchObject({ detail: expect.stringContaining('not a') as string });
    }
    const before = ids;
    ids = Object.fromEntries(Object.keys(before).map((name) => [name, '\0']));
    for (const entry of ENTRIES.filter(({ method, path }) => method === 'GET' && path.includes('['))) {
      const response = await call(entry, admin);
      await response.body?.cancel();
      expect([404, 422], entry.name).toContain(response.status);
    }
    ids = before;
  });

  it('says when to try again as the error knows it, not as its words read', () => {
    const error = new AppError('too-many', 'After 7 s of this: wait.', { retryAfterS: 42 });
    const problem = toProblem(error, new Request(ORIGIN), 'GET /api/v1/runs');
    expect([problem.status, problem.headers.get('retry-after')]).toEqual([429, '42']);
    const plain = new AppError('too-many', 'Close some tabs.');
    const vague = toProblem(plain, new Request(ORIGIN), 'GET /api/v1/runs');
    expect(vague.headers.get('retry-after')).toBe('60');
  });

  it('never answers with a secret (S4)', async () => {
    const admin = await tokenOf([{ siteId: null, role: 'admin' }]);
    const hex = Buffer.from(CANARY).toString('hex');
    const base64 = Buffer.from(CANARY).toString('base64').replace(/=+$/, '').slice(0, -1);
    for (const entry of ENTRIES.filter(({ method, path }) => method === 'GET' && !path.endsWith('/stream'))) {
      const text = await (await call(entry, admin)).text();
      for (const form of [CANARY, hex, base64]) expect(text, entry.name).not.toContain(form);
    }
  });
});
