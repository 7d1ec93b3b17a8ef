import { readFile } from 'node:fs/promises';
import { parseSetCookieHeader } from 'better-auth/cookies';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toCookieName } from '@/lib/auth/create-auth';
import { signInWithPassword } from '@/lib/auth/sign-in';
import { connectDatabase, type Database } from '@/lib/db/connect';
import { createApiToken } from '@/lib/services/api-tokens/create-api-token';
import { createSite } from '@/lib/services/sites/create-site';
import { startOwnCluster, type OwnCluster, type OwnClusterDatabase } from '@/lib/testing/own-database';
import { waitFor } from '@/lib/testing/wait-for';
import { createWebFixture } from '@/lib/testing/web-fixture';

/* A PostgreSQL that is stopped, frozen or killed: people and programs are told so, and when to try again. */

type Handler = (request: Request, context: { params: Promise<Record<string, string>> }) => Promise<Response>;

const PASSWORD = 'correct horse battery';
const ORIGIN = 'http://127.0.0.1:3000';

let cluster: OwnCluster;
let own: OwnClusterDatabase;
let web: Database;
let siteId: string;
let postmaster: number;
let bearer: Record<string, string>;
let cookie: Record<string, string>;

beforeAll(async () => {
  cluster = await startOwnCluster();
  own = await cluster.createDatabase('away');
  web = connectDatabase(own.urlFor('siteplan_web'), 'siteplan_web', { maxConnections: 5, patienceMs: 2_000 });
  const fixture = createWebFixture({ web });
  (globalThis as Record<symbol, unknown>)[Symbol.for('siteplan.web-runtime')] = Promise.resolve(
    fixture.runtime,
  ); // as the server does
  const admin = await fixture.createPerson([{ siteId: null, role: 'admin' }], PASSWORD);
  const node = { name: 's1', role: 'server', internalIp: '192.0.2.1' };
  siteId = (await createSite(admin, { name: 'own', topology: { pattern: 'custom', nodes: [node] } })).siteId;
  const { token } = await createApiToken(admin, { name: 'test', role: 'admin', days: 1 });
  bearer = { authorization: `Bearer ${token}` };
  const { email } = admin.actor;
  const signedIn = await signInWithPassword(fixture.runtime, new Headers(), { email, password: PASSWORD });
  const cookies = new Map(signedIn.headers.getSetCookie().flatMap((line) => [...parseSetCookieHeader(line)]));
  const name = toCookieName(ORIGIN);
  cookie = { cookie: `${name}=${encodeURIComponent(cookies.get(name)?.value ?? '')}` };
  postmaster = Number((await readFile(`${cluster.socketPath}.lock`, 'utf8')).split('\n')[0]);
});
afterAll(async () => {
  await web.close();
  await cluster.stop();
});

async function answers(): Promise<Response[]> {
  const { GET } = (await import('./v1/sites/route')) as unknown as { GET: Handler }; // Next's contract for route files
  const { PATCH } = (await import('./v1/sites/[siteId]/route')) as unknown as { PATCH: Handler }; // the same
  const url = `${ORIGIN}/api/v1/sites`;
  const rename = { method: 'PATCH', body: JSON.stringify({ name: 'renamed' }) };
  const headers = { ...bearer, 'content-type': 'application/json' };
  return Promise.all([
    GET(new Request(url, { headers: bearer }), { params: Promise.resolve({}) }),
    GET(new Request(url, { headers: cookie }), { params: Promise.resolve({}) }),
    PATCH(new Request(`${url}/${siteId}`, { ...rename, headers }), { params: Promise.resolve({ siteId }) }),
  ]);
}

/** Ends what the pools hold, as an idle time does, so that the next request must connect. */
async function endConnections(): Promise<void> {
  const sessions = `FROM pg_stat_activity WHERE application_name = 'siteplan_web'`;
  await own.owner.query(`SELECT pg_terminate_backend(pid) ${sessions}`);
  await waitFor(async () => (await own.owner.query(`SELECT 1 ${sessions}`)).rowCount === 0, {
    what: 'the connections to be gone',
  });
}

async function expectUnavailable(): Promise<void> {
  for (const response of await answers()) {
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toMatchObject({
      code: 'unavailable',
      detail: expect.stringMatching(/^The database does not answer\./) as string,
    });
  }
}

it('answers 503 where the connections that it holds say nothing more', async () => {
  expect((await answers()).map(({ status }) => status)).toEqual([200, 200, 200]);
  const { rows } = await own.owner.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'siteplan_web'`,
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const { pid } of rows) process.kill(pid, 'SIGSTOP');
  process.kill(postmaster, 'SIGSTOP'); // nor does it let anybody else in
  try {
    await expectUnavailable();
  } finally {
    for (const pid of [postmaster, ...rows.map((row) => row.pid)]) process.kill(pid, 'SIGCONT');
  }
  await waitFor(async () => (await answers()).every(({ status }) => status === 200), { what: 'answers' });
});

it('answers 503 while PostgreSQL is frozen or gone, and works again when it is back', async () => {
  expect((await answers()).map(({ status }) => status)).toEqual([200, 200, 200]);

  await endConnections();
  process.kill(postmaster, 'SIGSTOP');
  try {
    await expectUnavailable();
  } finally {
    process.kill(postmaster, 'SIGCONT');
  }
  await waitFor(async () => (await answers()).every(({ status }) => status === 200), { what: 'answers' });

  cluster.kill();
  await waitFor(() => !web.pool.idleCount, { what: 'the pool to notice' });
  await expectUnavailable();
  await cluster.start();
  await waitFor(async () => (await answers()).every(({ status }) => status === 200), { what: 'answers' });
});
