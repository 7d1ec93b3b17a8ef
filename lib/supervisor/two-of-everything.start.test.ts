import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Actor } from '@/lib/access/grant';
import { createFirstAdmin } from '@/lib/auth/accounts';
import { connectDatabase, type Database } from '@/lib/db/connect';
import { ensureDatabase, startCluster, type Cluster } from '@/lib/db/embedded-cluster';
import { toChildEnv } from '@/lib/env/child-env';
import { ensureKeys, loadSealPublicKey, loadSymmetricKey } from '@/lib/secrets/keys';
import { createApiToken } from '@/lib/services/api-tokens/create-api-token';
import { insertRun, insertSite } from '@/lib/testing/factories';
import { findFreePort } from '@/lib/testing/find-free-port';
import { makeDataDir, removeDataDir } from '@/lib/testing/siteplan-process';
import { waitFor } from '@/lib/testing/wait-for';

/* Two web processes and two workers on one PostgreSQL: who asks which one makes no difference (reliability I5, S10). */

const ADMIN = { email: 'ann@example.net', name: 'Ann', password: 'correct horse battery' };
const dataDir = makeDataDir();
const keysDir = join(dataDir, 'keys');
const started: ChildProcess[] = [];
const urls: string[] = [];
/** What was opened, so that a failing set-up leaves nothing behind. */
const closers: (() => Promise<void>)[] = [];
let output = '';
let cluster: Cluster;
let db: Database;
let token: string;

async function start(mode: 'web' | 'worker', env: Readonly<Record<string, string>> = {}): Promise<void> {
  const child = spawn(process.execPath, ['lib/supervisor/bootstrap.mjs', mode], {
    env: toChildEnv({
      HOST: '127.0.0.1',
      SITEPLAN_DATA_DIR: dataDir,
      SITEPLAN_KEYS_DIR: keysDir,
      DATABASE_URL: cluster.urlFor('siteplan', 'siteplan'),
      ...env,
    }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  started.push(child);
}

async function startWeb(): Promise<void> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  await start('web', { PORT: String(port) });
  const isReady = () => fetch(`${url}/readyz`).then(({ status }) => status === 200);
  await waitFor(isReady, { what: `a web process: ${output}`, timeoutMs: 240_000 });
  urls.push(url);
}

/** The first person and a token of theirs, as set-up and the settings page would make them. */
async function makeAdmin(): Promise<void> {
  const audit = await loadSymmetricKey(keysDir, 'audit');
  const by = { email: '', ip: '', requestId: '' };
  const { userId, email } = await createFirstAdmin({ db, auditKey: audit, by }, ADMIN);
  const actor: Actor = {
    ...{ userId, email, name: ADMIN.name, ip: '', requestId: '' },
    grants: [{ siteId: null, role: 'admin' }],
    via: 'session',
    credentialId: 'none',
  };
  const ctx = { db, keys: { audit, seal: await loadSealPublicKey(keysDir) }, actor };
  token = (await createApiToken(ctx, { name: 'test', role: 'admin', days: 1 })).token;
}

beforeAll(async () => {
  cluster = await startCluster({ dataDir, onLog: () => undefined });
  closers.push(cluster.stop);
  await ensureDatabase(cluster, 'siteplan');
  await ensureKeys(keysDir);
  await startWeb(); // brings the schema and the build about
  db = connectDatabase(cluster.urlFor('siteplan_web', 'siteplan'), 'siteplan_web', { maxConnections: 2 });
  closers.push(db.close);
  await makeAdmin();
  await startWeb();
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  for (let close = closers.pop(); close; close = closers.pop()) await close();
  removeDataDir(dataDir);
});

const web = (index: number) => urls[index] ?? '';
const withToken = (init: RequestInit = {}): RequestInit => ({
  ...init,
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers },
});

it('shows the reader of one web process what somebody did through the other', async () => {
  const leave = new AbortController();
  const response = await fetch(
    `${web(1)}/api/v1/stream?topics=sites`,
    withToken({ headers: { accept: 'text/event-stream' }, signal: leave.signal }),
  );
  expect(response.status).toBe(200);
  let seen = '';
  const reading = (async () => {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
      // Node's streams iterate
      seen += Buffer.from(chunk).toString('utf8');
  })().catch(() => undefined);
  await waitFor(() => seen.includes('event: hello'), { what: 'hello' });
  const created = await fetch(
    `${web(0)}/api/v1/sites`,
    withToken({ method: 'POST', body: JSON.stringify({ name: 'made on the other', pattern: 'custom' }) }),
  );
  expect(created.status).toBe(201);
  await waitFor(() => seen.includes('made on the other'), { what: `the site in ${seen}` });
  leave.abort();
  await reading;
});

interface ActionManifest {
  readonly encryptionKey: string;
  readonly node: Readonly<Record<string, { readonly exportedName: string; readonly filename: string }>>;
}
async function readActions(): Promise<ActionManifest> {
  return JSON.parse(await readFile('.next/server/server-reference-manifest.json', 'utf8')) as ActionManifest; // Next's own file
}
async function callAction(
  url: string,
  page: string,
  [file, name]: readonly [string, string],
  args: readonly unknown[],
  cookie = '',
): Promise<Response> {
  const { node } = await readActions();
  const entry = Object.entries(node).find(([, one]) => one.filename === file && one.exportedName === name);
  return fetch(`${url}${page}`, {
    method: 'POST',
    headers: {
      'next-action': entry?.[0] ?? '',
      'content-type': 'text/plain;charset=UTF-8',
      origin: url,
      cookie,
    },
    body: JSON.stringify(args),
  });
}
const SIGN_IN = ['app/(auth)/login/actions.ts', 'signIn'] as const;
const SAVE_DRAFT = ['app/(app)/sites/new/actions.ts', 'saveDraft'] as const;

it('lets a person sign in at one web process and act at the other, within limits (S10)', async () => {
  const { email, password } = ADMIN;
  const signedIn = await callAction(web(0), '/login', SIGN_IN, [{ email, password }]);
  expect(signedIn.status).toBe(200);
  const cookie = signedIn.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const save = (document: unknown) =>
    callAction(web(1), '/sites/new', SAVE_DRAFT, [{ draftId: null, document }], cookie);
  const saved = await save({ name: 'a draft' });
  expect(await saved.text()).toContain('"ok":true');
  // A body beyond 64 KB never reaches the action; Next answers with an error in the place of the value.
  const large = await (await save({ name: 'x'.repeat(80_000) })).text();
  expect(large).toMatch(/:E\{"digest"/);
  expect(large).not.toContain('"ok"');
  const { rows } = await db.pool.query<{ n: number }>('SELECT count(*)::int AS n FROM draft');
  expect(rows[0]?.n).toBe(1);
  // 600 a minute, API and actions together.
  let refused = 0;
  const ask = async () => {
    const { status } = await fetch(`${web(1)}/api/v1/jobs/j-none`, { headers: { cookie } });
    if (status === 429) refused += 1;
  };
  for (let round = 0; round < 35 && refused === 0; round += 1)
    await Promise.all(Array.from({ length: 20 }, ask));
  expect(refused).toBeGreaterThan(0);
  expect(await (await save({ name: 'one too many' })).text()).toContain('too-many');
});

it('has the same ids of server actions in every build', async () => {
  // Ids hang on the key of the build, which is no secret; run-time secrets come from action.key.
  const known = createHash('sha256').update('siteplan: ids of server actions').digest('base64');
  expect((await readActions()).encryptionKey).toBe(known);
});

it('has two workers share sites and runs: each run claimed and ended once', async () => {
  const owner = connectDatabase(cluster.urlFor('siteplan_worker', 'siteplan'), 'siteplan_worker');
  const runs: string[] = [];
  // Their plans are empty bodies, so that each ends as failed, in words, without a host.
  for (let i = 0; i < 30; i += 1) runs.push(await insertRun(owner.pool, await insertSite(owner.pool), []));
  await Promise.all([start('worker'), start('worker')]);
  const countLeft = async () =>
    (await owner.pool.query(`SELECT 1 FROM run WHERE state IN ('queued', 'running')`)).rowCount;
  await waitFor(async () => (await countLeft()) === 0, { what: `all runs: ${output}`, timeoutMs: 120_000 });
  const { rows } = await owner.pool.query<{ type: string; n: number; runs: number }>(
    `SELECT type, count(*)::int AS n, count(DISTINCT run_id)::int AS runs FROM run_event GROUP BY type ORDER BY type`,
  );
  expect(rows).toEqual([
    { type: 'run.claimed', n: 30, runs: 30 },
    { type: 'run.finished', n: 30, runs: 30 },
  ]);
  await owner.close();
  expect(output).not.toMatch(/unhandled rejection|chores failed/i);
});
