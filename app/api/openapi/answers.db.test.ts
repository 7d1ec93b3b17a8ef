import { createECDH } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GET as DOCUMENT } from '@/app/api/v1/openapi.json/route';
import type { ApiRoute } from '@/app/api-route';
import type { Grant } from '@/lib/access/grant';
import { createApiToken } from '@/lib/services/api-tokens/create-api-token';
import { insertPreflight } from '@/lib/testing/factories';
import { holdRequestToDocument, holdToDocument } from '@/lib/testing/hold-to-document';
import { createRunScene } from '@/lib/testing/run-scene';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { ROUTES } from './routes';

/*
 * What the document says against what the handlers answer, on a real database: every answer of every call below is held
 * to the document, and at the end every operation must have succeeded once.
 */

type Json = Record<string, unknown>;
interface Call {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Json;
  readonly text: string;
}

/** Operations whose success needs more than a database, each with the test that shows it. */
const ELSEWHERE = [
  'POST /api/v1/sites/[siteId]/nodes/[nodeId]/fence', // lib/services/set-fence.db.test.ts
];
const all: readonly ApiRoute[] = [...ROUTES, DOCUMENT];
const succeeded = new Set<string>();
const refused = new Set<number>();
const NODE = { name: 's1', role: 'server', internalIp: '192.0.2.1' };

let database: TestDatabase;
let web: WebFixture;
let document: Json;
let admin: Record<string, string>;
let siteId: string;
let planId: string;
let runId: string;
let stepIds: readonly string[];

beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  (globalThis as Record<symbol, unknown>)[Symbol.for('siteplan.web-runtime')] = Promise.resolve(web.runtime); // as the server does
  admin = await tokenOf([{ siteId: null, role: 'admin' }]);
  const response = await DOCUMENT(
    new Request('http://127.0.0.1:3000/api/v1/openapi.json', { headers: admin }),
    {
      params: Promise.resolve(undefined),
    },
  );
  document = (await response.json()) as Json; // checked below like every answer
});
afterAll(() => database.drop());

async function tokenOf(grants: readonly Grant[]): Promise<Record<string, string>> {
  const person = await web.createPerson(grants);
  const { token } = await createApiToken(person, { name: 'test', role: 'admin', days: 1 });
  return { authorization: `Bearer ${token}` };
}

/** The first piece of a body: whole for JSON, the beginning of a stream. */
async function readSome(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return response.text();
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  await reader?.cancel();
  return new TextDecoder().decode(value);
}

async function call(entry: string, input: Call = {}): Promise<Answer> {
  const route = all.find((one) => one.entry === entry);
  if (!route) throw new Error(`${entry} is no route`);
  const [method = '', path = ''] = entry.split(' ');
  const { params = {}, query = '', body, headers = {} } = input;
  const url = path.replace(/\[(\w+)\]/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const isText = typeof body === 'string';
  const request = new Request(`http://127.0.0.1:3000${url}${query}`, {
    method,
    headers: { 'content-type': isText ? 'application/yaml' : 'application/json', ...admin, ...headers },
    ...(body !== undefined && method !== 'GET' && { body: isText ? body : JSON.stringify(body) }),
  });
  const response = await route(request, { params: Promise.resolve({ ...params }) });
  const text = await readSome(response);
  holdToDocument(document, entry, response, text);
  if (response.status < 300) {
    succeeded.add(entry);
    holdRequestToDocument(document, entry, input);
  } else refused.add(response.status);
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  const json = isJson && !text.includes('\n') ? (JSON.parse(text) as Json) : {}; // held to its shape above
  return { status: response.status, headers: response.headers, json, text };
}

async function expectCall(status: number, entry: string, input: Call = {}): Promise<Answer> {
  const answer = await call(entry, input);
  expect(answer.status, `${entry}: ${answer.text.slice(0, 300)}`).toBe(status);
  return answer;
}

describe('answers and the OpenAPI document', () => {
  it('agree about sites and topologies', async () => {
    const topology = { pattern: 'custom', nodes: [NODE] };
    const made = await expectCall(201, 'POST /api/v1/sites', { body: { name: 'one', topology } });
    siteId = made.json['siteId'] as string; // a TopologyView, checked
    const params = { siteId };
    await expectCall(409, 'POST /api/v1/sites', { body: { name: 'one' } });
    await expectCall(422, 'POST /api/v1/sites', { body: { name: '', pattern: 'square' } });
    await expectCall(200, 'GET /api/v1/sites');
    await expectCall(200, 'GET /api/v1/sites/[siteId]', { params });
    await expectCall(404, 'GET /api/v1/sites/[siteId]', { params: { siteId: 's-none' } });
    await expectCall(200, 'PATCH /api/v1/sites/[siteId]', { params, body: { name: 'two' } });
    await expectCall(422, 'PATCH /api/v1/sites/[siteId]', { params, body: { nme: 'two' } });
    await expectCall(200, 'GET /api/v1/sites/[siteId]/health', { params });
    await expectCall(200, 'GET /api/v1/sites/[siteId]/health/stream', { params });
    await expectCall(200, 'GET /api/v1/sites/[siteId]/topology/revisions', { params });
    await expectCall(200, 'GET /api/v1/sites/[siteId]/checks', { params });
    await expectCall(200, 'GET /api/v1/sites/[siteId]/inventory', { params });
    await expectCall(200, 'GET /api/v1/sites/[siteId]/bundle', { params });
    const revision = { ...params, revision: '1' };
    await expectCall(200, 'GET /api/v1/sites/[siteId]/topology/revisions/[revision]', { params: revision });
    const none = { ...params, revision: 'x' };
    await expectCall(422, 'GET /api/v1/sites/[siteId]/topology/revisions/[revision]', { params: none });
  });

  it('agree about a topology that two people change (ETag and If-Match)', async () => {
    const params = { siteId };
    const first = await expectCall(200, 'GET /api/v1/sites/[siteId]/topology', { params });
    const yaml = await expectCall(200, 'GET /api/v1/sites/[siteId]/topology', {
      params,
      query: '?format=yaml',
    });
    const etag = first.headers.get('etag') ?? '';
    expect(yaml.headers.get('etag')).toBe(etag);
    await expectCall(422, 'GET /api/v1/sites/[siteId]/topology', { params, query: '?format=xml' });
    const put = 'PUT /api/v1/sites/[siteId]/topology';
    const changed = yaml.text.replace('name: s1', 'name: s9');
    expect(changed).not.toBe(yaml.text);
    const mine = await expectCall(200, put, { params, body: changed, headers: { 'if-match': etag } });
    expect(mine.headers.get('etag')).not.toBe(etag);
    await expectCall(412, put, { params, body: yaml.text, headers: { 'if-match': etag } });
    await expectCall(412, put, { params, body: yaml.text });
    const bad = { params, body: { pattern: 'custom', nodes: 'none' }, headers: { 'if-match': etag } };
    await expectCall(412, put, bad); // what stands in between is told first
    await expectCall(422, put, { ...bad, headers: { 'if-match': mine.headers.get('etag') ?? '' } });
    await expectCall(200, 'POST /api/v1/sites/[siteId]/findings', { params, body: {} });
    await expectCall(200, 'POST /api/v1/sites/[siteId]/findings', { params, body: changed });
    await expectCall(422, 'POST /api/v1/sites/[siteId]/findings', { params, body: { topology: 7 } });
  });

  it('agree about the secrets of a site', async () => {
    const store = { endpoint: 's3.example.net', bucket: 'snapshots' };
    const make = async (etcd: object) => {
      const body = { name: JSON.stringify(etcd), topology: { pattern: 'custom', etcd } };
      return (await expectCall(201, 'POST /api/v1/sites', { body })).json['siteId'] as string; // a TopologyView, checked
    };
    const [bare, siteId] = [await make({}), await make({ snapshots: { s3: store } })];
    const field = { params: { siteId, field: 's3-secret-key' } };
    const put = 'PUT /api/v1/sites/[siteId]/secrets/[field]';
    const remove = 'DELETE /api/v1/sites/[siteId]/secrets/[field]';
    const nowhere = { params: { ...field.params, siteId: bare }, body: { value: 'not-a-secret' } };
    await expectCall(409, put, nowhere);
    await expectCall(200, put, { ...field, body: { value: 'not-a-secret' } });
    await expectCall(422, put, { ...field, body: { value: 'not a secret' } });
    await expectCall(422, put, { params: { siteId, field: 'agent-token' }, body: { value: 'x' } });
    await expectCall(200, 'GET /api/v1/sites/[siteId]/secrets', { params: { siteId } });
    await expectCall(204, remove, field);
    await expectCall(404, remove, field);
  });

  it('agree about checks that are let pass', async () => {
    const { id: nodeId } = await database.worker.prisma.node.findFirstOrThrow({ where: { siteId } });
    const red = {
      nodeId,
      checkId: 'cpus',
      status: 'fail',
      title: 'CPU',
      value: '1',
      threshold: '2',
    } as const;
    const words = {
      why: 'few',
      fix: 'Add one.',
      source: '',
      group: 'machine',
      isUnknown: false,
      valueHash: '',
    } as const;
    const cells = [{ ...red, ...words, takenAt: '2026-01-01T00:00:00Z' }];
    await insertPreflight(database.worker.pool, siteId, { revision: 2, cells });
    const override = 'POST /api/v1/sites/[siteId]/checks/overrides';
    const body = { nodeId, checkId: 'cpus', value: '1', reason: 'a lab of ours' };
    const made = await expectCall(201, override, { params: { siteId }, body });
    await expectCall(409, override, { params: { siteId }, body });
    await expectCall(422, override, { params: { siteId }, body: { ...body, reason: 'no' } });
    await expectCall(200, 'GET /api/v1/sites/[siteId]/checks', { params: { siteId } });
    const params = { siteId, overrideId: made.json['id'] as string }; // a CheckOverrideView, checked
    const withdraw = 'DELETE /api/v1/sites/[siteId]/checks/overrides/[overrideId]';
    await expectCall(200, withdraw, { params });
    await expectCall(409, withdraw, { params });
    const again = { nodeIds: [nodeId], checkIds: ['cpus'] };
    await expectCall(202, 'POST /api/v1/sites/[siteId]/preflight', { params: { siteId }, body: again });
    const none = { ...again, checkIds: ['luck'] };
    await expectCall(422, 'POST /api/v1/sites/[siteId]/preflight', { params: { siteId }, body: none });
  });

  it('agree about credentials and host keys', async () => {
    const credential = { kind: 'password', name: 'root', password: 'not a secret' };
    const made = await expectCall(201, 'POST /api/v1/credentials', { body: credential });
    await expectCall(409, 'POST /api/v1/credentials', { body: credential });
    await expectCall(422, 'POST /api/v1/credentials', { body: { kind: 'password' } });
    await expectCall(200, 'GET /api/v1/credentials');
    const params = { credentialId: made.json['id'] as string }; // a Credential, checked
    await expectCall(204, 'DELETE /api/v1/credentials/[credentialId]', { params });
    await expectCall(404, 'DELETE /api/v1/credentials/[credentialId]', { params });

    const { nodeId, fingerprint } = await insertHostKey();
    const key = { params: { siteId }, body: { node: nodeId, fingerprint } };
    await expectCall(200, 'GET /api/v1/sites/[siteId]/host-keys', key);
    await expectCall(200, 'POST /api/v1/sites/[siteId]/host-keys/approve', key);
    await expectCall(200, 'POST /api/v1/sites/[siteId]/host-keys/revoke', key);
    const other = { ...key, body: { node: nodeId, fingerprint: `SHA256:${'b'.repeat(43)}` } };
    await expectCall(404, 'POST /api/v1/sites/[siteId]/host-keys/approve', other);
    const file = { text: 'other ssh-ed25519 AAAA\n' };
    await expectCall(200, 'POST /api/v1/sites/[siteId]/host-keys/import', { params: { siteId }, body: file });
    const fence = { params: { siteId, nodeId }, body: { epoch: '7' } };
    expect((await call('POST /api/v1/sites/[siteId]/nodes/[nodeId]/fence', fence)).status).toBeGreaterThan(
      399,
    );
  });

  it('agree about jobs', async () => {
    const params = { siteId };
    const point = createECDH('prime256v1').generateKeys().toString('base64');
    const scan = await expectCall(202, 'POST /api/v1/sites/[siteId]/host-keys/scan', { params });
    await expectCall(202, 'POST /api/v1/sites/[siteId]/preflight', { params });
    await expectCall(202, 'POST /api/v1/sites/[siteId]/plan', { params, body: { kind: 'apply' } });
    await expectCall(422, 'POST /api/v1/sites/[siteId]/plan', { params, body: { kind: 'none' } });
    const kubeconfig = 'POST /api/v1/sites/[siteId]/kubeconfig';
    await expectCall(202, kubeconfig, { params, body: { publicKey: point } });
    await expectCall(422, kubeconfig, { params, body: { publicKey: 'AAAA' } });
    await expectCall(200, 'GET /api/v1/jobs/[jobId]', { params: { jobId: scan.json['id'] as string } }); // a Job
    await expectCall(404, 'GET /api/v1/jobs/[jobId]', { params: { jobId: 'j-none' } });
    const empty = await expectCall(201, 'POST /api/v1/sites', { body: { name: 'empty' } });
    const bare = { params: { siteId: empty.json['siteId'] as string } }; // a TopologyView
    await expectCall(412, 'POST /api/v1/sites/[siteId]/preflight', bare);
    await expectCall(422, 'DELETE /api/v1/sites/[siteId]', { ...bare, body: { typedName: 'full' } });
    await expectCall(204, 'DELETE /api/v1/sites/[siteId]', { ...bare, body: { typedName: 'empty' } });
  });

  it('agree about the bundle of a plan', async () => {
    const { id } = await database.worker.prisma.node.findFirstOrThrow({ where: { siteId } });
    const steps = [{ nodeId: id, kind: 'rke2.uninstall' }]; // its parameters are empty, as those of a scene
    const params = { planId: await createRunScene(database, siteId, steps, 'uninstall').storePlan() };
    await expectCall(409, 'GET /api/v1/plans/[planId]/bundle', { params });
    await moveToRevision2(params.planId);
    await expectCall(200, 'GET /api/v1/plans/[planId]/bundle', { params });
    await expectCall(404, 'GET /api/v1/plans/[planId]/bundle', { params: { planId: 'p-none' } });
  });

  it('agree about plans, runs and their logs', async () => {
    const scene = createRunScene(database, siteId, [{ nodeId: 'n-a' }, { nodeId: 'n-b' }]);
    planId = await scene.storePlan();
    // The checks that were filed above end, for no run begins beside them.
    await database.worker.pool.query(
      `UPDATE job SET state = 'failed' WHERE kind = 'preflight' AND state = 'queued'`,
    );
    await insertPreflight(database.worker.pool, siteId, { revision: 2 });
    await moveToRevision2(planId);
    stepIds = scene.stepIds;
    await expectCall(200, 'GET /api/v1/sites/[siteId]/plans', { params: { siteId } });
    await expectCall(200, 'GET /api/v1/plans/[planId]', { params: { planId } });
    const run = await expectCall(201, 'POST /api/v1/plans/[planId]/run', { params: { planId } });
    await expectCall(409, 'POST /api/v1/plans/[planId]/run', { params: { planId } });
    await expectCall(409, 'POST /api/v1/sites/[siteId]/preflight', { params: { siteId } });
    runId = run.json['id'] as string; // a Run, checked
    const params = { runId };
    await expectCall(200, 'GET /api/v1/runs/[runId]', { params });
    await expectCall(409, 'POST /api/v1/runs/[runId]/resume', { params });
    await database.worker.pool.query('UPDATE site_lease SET lease_until = NULL');
    const claimed = await scene.claim();
    await scene.endSteps(claimed, { [String(stepIds[0])]: 'done', [String(stepIds[1])]: 'failed' });
    await scene.endRun(claimed, 'failed');
    const skip = { stepId: stepIds[1], reason: 'done by hand on the host' };
    await expectCall(422, 'POST /api/v1/runs/[runId]/skip', { params, body: { ...skip, reason: 'no' } });
    await expectCall(202, 'POST /api/v1/runs/[runId]/skip', { params, body: skip });
    await scene.endRun(await scene.claim(), 'unreachable');
    await expectCall(202, 'POST /api/v1/runs/[runId]/resume', { params });
    await scene.endRun(await scene.claim(), 'failed');
    await expectCall(202, 'POST /api/v1/runs/[runId]/retry', { params });
    await expectCall(202, 'POST /api/v1/runs/[runId]/cancel', { params });
    const log = await expectCall(200, 'GET /api/v1/runs/[runId]/log', { params });
    expect(log.text).toContain('step.skipped');
  });

  it('agree about pages, whose cursors lead from one to the next without a gap', async () => {
    const params = { runId };
    const whole = await expectCall(200, 'GET /api/v1/runs/[runId]/events', { params });
    const seqs = (page: Answer) => (page.json['events'] as { seq: number }[]).map(({ seq }) => seq); // checked
    const walked: number[] = [];
    for (let after = 0; ;) {
      const query = `?after=${after}&limit=3`;
      const page = await expectCall(200, 'GET /api/v1/runs/[runId]/events', { params, query });
      walked.push(...seqs(page));
      after = page.json['last'] as number; // checked
      if (page.json['more'] === false) break;
    }
    expect(walked).toEqual(seqs(whole));
    const headers = { accept: 'text/event-stream' };
    await expectCall(200, 'GET /api/v1/runs/[runId]/events', { params, headers });
    await expectCall(422, 'GET /api/v1/runs/[runId]/events', { params, query: '?after=-1' });
    await expectCall(200, 'GET /api/v1/runs', { query: '?limit=1' });
    await expectCall(422, 'GET /api/v1/runs', { query: '?limit=0' });

    const first = await expectCall(200, 'GET /api/v1/audit', { query: '?limit=2' });
    const next = first.json['next'] as string; // checked
    const second = await expectCall(200, 'GET /api/v1/audit', { query: `?limit=2&before=${next}` });
    const numbers = [first, second].flatMap((page) =>
      (page.json['entries'] as { seq: string }[]).map((e) => +e.seq),
    );
    expect(numbers).toEqual([0, 1, 2, 3].map((index) => (numbers[0] ?? 0) - index));
    await expectCall(200, 'GET /api/v1/audit', { query: '?format=jsonl' });
    await expectCall(422, 'GET /api/v1/audit', { query: '?format=csv' });
    await expectCall(200, 'GET /api/v1/stream', { query: '?topics=sites' });
    await expectCall(422, 'GET /api/v1/stream');
    await expectCall(200, 'GET /api/v1/openapi.json');
  });

  it('agree about refusals of every operation', async () => {
    const nobody = await tokenOf([]);
    const dead = { authorization: `Bearer sp_${'A'.repeat(43)}` };
    for (const { entry } of all) {
      const params = {
        siteId,
        planId,
        runId,
        jobId: 'j-none',
        nodeId: 'n-none',
        revision: '1',
        credentialId: 'c-1',
      };
      const body = entry.startsWith('GET') ? {} : { body: { nonsense: true } };
      expect((await call(entry, { params, headers: dead, ...body })).status, entry).toBe(401);
      const query = entry.endsWith('/stream') ? '?topics=sites' : '';
      const answer = await call(entry, { params, headers: nobody, query, ...body });
      if (entry.includes('[')) expect([403, 404], entry).toContain(answer.status);
    }
  });

  it('were all looked at', () => {
    const missed = all.map(({ entry }) => entry).filter((entry) => !succeeded.has(entry));
    expect(missed.sort()).toEqual(ELSEWHERE);
    expect([...refused].sort()).toEqual([401, 403, 404, 409, 412, 422]);
  });
});

/** A plan of a scene is of the first revision; the site has a second one. */
async function moveToRevision2(id: string): Promise<void> {
  await database.worker.pool.query(
    `UPDATE plan SET revision = 2, body = jsonb_set(body::jsonb, '{revision}', '2') WHERE id = $1`,
    [id],
  );
}

async function insertHostKey(): Promise<{ nodeId: string; fingerprint: string }> {
  const { id: nodeId } = await database.worker.prisma.node.findFirstOrThrow({ where: { siteId } });
  const fingerprint = `SHA256:${'a'.repeat(43)}`;
  const key = { algorithm: 'ssh-ed25519', publicKey: 'AAAA', address: '192.0.2.1', port: 22 };
  await database.worker.prisma.hostKey.create({ data: { id: 'hk-1', nodeId, fingerprint, ...key } });
  return { nodeId, fingerprint };
}
