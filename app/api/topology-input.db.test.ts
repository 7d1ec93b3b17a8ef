import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiToken } from '@/lib/services/api-tokens/create-api-token';
import { createSite } from '@/lib/services/sites/create-site';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import { createWebFixture } from '@/lib/testing/web-fixture';
import type { TopologyView } from '@/lib/topology/topology-view';
import { GET, PUT } from './v1/sites/[siteId]/topology/route';

let database: TestDatabase;
let site: TopologyView;
let authorization: string;
beforeAll(async () => {
  database = await createTestDatabase();
  const web = createWebFixture(database);
  (globalThis as Record<symbol, unknown>)[Symbol.for('siteplan.web-runtime')] = Promise.resolve(web.runtime); // as the server does
  const admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
  site = await createSite(admin, {
    name: 'own',
    topology: { pattern: 'custom', nodes: [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }] },
  });
  authorization = `Bearer ${(await createApiToken(admin, { name: 'test', role: 'admin', days: 1 })).token}`;
});
afterAll(() => database.drop());

async function put(
  body: string,
  type: string,
): Promise<{ status: number; problem: Record<string, unknown> }> {
  const request = new Request(`http://127.0.0.1:3000/api/v1/sites/${site.siteId}/topology`, {
    method: 'PUT',
    headers: { authorization, 'content-type': type, 'if-match': `"${site.etag}"` },
    body,
  });
  const response = await PUT(request, { params: Promise.resolve({ siteId: site.siteId }) });
  return { status: response.status, problem: (await response.json()) as Record<string, unknown> };
}

const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';

describe('PUT of a topology', () => {
  it.each([
    ['malformed JSON', '{"pattern":', JSON_TYPE, 'The body is not JSON.'],
    ['another kind of file', 'pattern: ha', 'text/plain', 'Send application/json.'],
    ['malformed YAML', 'pattern: ha\nnodes: [\n', YAML_TYPE, 'Line 3'],
    ['a YAML bomb', 'pattern: &p ha\nnotes: [*p, *p, *p]\n', YAML_TYPE, 'anchors and aliases'],
    [
      'more than 10 MiB',
      JSON.stringify({ pattern: 'ha', notes: 'x'.repeat(11_000_000) }),
      JSON_TYPE,
      'larger than 10240 KiB',
    ],
    [
      'almost 10 MiB',
      JSON.stringify({ pattern: 'ha', notes: 'x'.repeat(10_000_000) }),
      JSON_TYPE,
      'more than 2 MiB of text',
    ],
    [
      'a million brackets',
      `{"pattern":"ha","notes":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`,
      JSON_TYPE,
      'nested more than 40 levels deep',
    ],
    ['unknown fields', '{"pattern":"ha","nodez":[]}', JSON_TYPE, 'nodez, there is no such field'],
    ['a NUL', '{"pattern":"ha","notes":"a\\u0000b"}', JSON_TYPE, 'notes, no control characters'],
  ])('of %s answers 422 in words and changes nothing', async (_what, body, type, words) => {
    const { status, problem } = await put(body, type);
    expect(status).toBe(422);
    expect(problem).toMatchObject({ code: 'invalid', detail: expect.stringContaining(words) as string });
    expect(JSON.stringify(problem).length).toBeLessThan(20_000);
    const request = new Request('http://127.0.0.1:3000/', { headers: { authorization } });
    const now = await GET(request, { params: Promise.resolve({ siteId: site.siteId }) });
    expect(await now.json()).toEqual(JSON.parse(JSON.stringify(site)));
  });

  it('of a thousand wrong nodes answers with few of the problems', async () => {
    const nodes = Array.from({ length: 1_000 }, () => ({ name: 'X', role: 'boss', internalIp: 'y', z: 1 }));
    const { status, problem } = await put(JSON.stringify({ pattern: 'ha', nodes }), JSON_TYPE);
    expect(status).toBe(422);
    expect(problem.detail).toContain('more problems');
    expect(Object.keys(problem.fields as object)).toHaveLength(50); // the service's own record
  });
});
