import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { can } from '@/lib/access/can';
import type { Grant } from '@/lib/access/grant';
import { isAppError } from '@/lib/core/errors';
import { SiteId } from '@/lib/core/ids';
import { makeOneTimeKey } from '@/components/live/open-sealed';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import type { ServiceContext } from './context';
import { createCredential } from './credentials/create-credential';
import { listCredentials } from './credentials/list-credentials';
import { createJob } from './jobs/create-job';
import { getJob } from './jobs/get-job';
import { listRuns } from './runs/list-runs';
import { createSite } from './sites/create-site';
import { listSites } from './sites/list-sites';
import type { Scene, Verb } from '@/lib/testing/access-verbs';
import { VERBS } from '@/lib/testing/access-verbs';

/*
 * S7: every verb of the services, asked by every kind of person, about an own and a foreign site. What is expected is
 * computed from the permission that the verb is declared with; "allowed" means that the refusal, if any, is not about
 * rights.
 */

let database: TestDatabase;
let web: WebFixture;
let scene: Scene;

const STEP = {
  id: '0123456789abcdef',
  kind: 'file.put',
  params: {},
  title: 'write a file',
  dependsOn: [],
  effect: '',
  restarts: [],
  quorum: null,
  estimateS: 1,
  diff: null,
};

async function buildScene(): Promise<Scene> {
  const admin = await web.createPerson([{ siteId: null, role: 'admin' }], 'correct horse battery');
  const credential = await createCredential(admin, {
    kind: 'password',
    name: 'of the admin',
    password: 'canary',
  });
  const node = { name: 's1', role: 'server', internalIp: '192.0.2.10', ssh: { credentialId: credential.id } };
  const { siteId, topology } = await createSite(admin, {
    name: 'own',
    topology: { pattern: 'custom', nodes: [node] },
  });
  const other = await createSite(admin, { name: 'other' });
  const { prisma } = database.worker;
  const nodeId = topology.nodes[0]?.id ?? '';
  const plan = (id: string) => ({
    schemaVersion: 1,
    id,
    siteId,
    kind: 'apply',
    revision: 1,
    factsHash: '',
    steps: [{ ...STEP, nodeId }],
  });
  const planRow = (id: string) => ({
    id,
    siteId,
    kind: 'apply',
    revision: 1,
    factsHash: '',
    body: plan(id),
    facts: [],
    createdBy: 'x',
  });
  await prisma.plan.create({ data: planRow('p-1') });
  const runs = ['r-1', 'r-2'].map((id) => ({
    id,
    siteId,
    planId: 'p-1',
    state: 'done',
    steps: 1,
    createdBy: 'x',
    finishedAt: new Date(),
  }));
  await prisma.run.createMany({ data: runs });
  const job = await createJob(admin, { kind: 'plan', siteId });
  const person = await web.createPerson([]);
  return {
    siteId,
    otherSiteId: other.siteId,
    planId: 'p-1',
    runId: 'r-1',
    endedRunId: 'r-2',
    jobId: job.id,
    foreignCredentialId: credential.id,
    userId: person.actor.userId,
    publicKey: (await makeOneTimeKey()).publicKey,
  };
}

beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  scene = await buildScene();
});
afterAll(() => database.drop());

const SITE = 'SITE';
const OTHER = 'OTHER';
const PEOPLE: readonly [string, readonly (readonly [string | null, Grant['role']])[]][] = [
  ['nobody', []],
  ['viewer of all', [[null, 'viewer']]],
  ['operator of all', [[null, 'operator']]],
  ['admin of all', [[null, 'admin']]],
  ['viewer of the site', [[SITE, 'viewer']]],
  ['operator of the site', [[SITE, 'operator']]],
  ['admin of the site', [[SITE, 'admin']]],
  ['viewer of another site', [[OTHER, 'viewer']]],
  ['operator of another site', [[OTHER, 'operator']]],
  ['admin of another site', [[OTHER, 'admin']]],
  [
    'viewer of all, operator of the site',
    [
      [null, 'viewer'],
      [SITE, 'operator'],
    ],
  ],
  [
    'viewer of the site, admin of another',
    [
      [SITE, 'viewer'],
      [OTHER, 'admin'],
    ],
  ],
  [
    'operator of the site and another',
    [
      [SITE, 'operator'],
      [OTHER, 'operator'],
    ],
  ],
];

function toGrants(shape: (typeof PEOPLE)[number][1]): Grant[] {
  return shape.map(([site, role]) => {
    const siteId = site === SITE ? scene.siteId : site === OTHER ? scene.otherSiteId : null;
    return { siteId: siteId === null ? null : SiteId.parse(siteId), role };
  });
}

/** `allowed`, or why not. */
async function ask(ctx: ServiceContext, verb: Verb): Promise<string> {
  await database.web.pool.query('DELETE FROM rate_limit');
  try {
    await verb.call(ctx, scene);
    return 'allowed';
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.code === 'forbidden' || error.code === 'not-found' ? error.code : 'allowed';
  }
}

describe('the access matrix (S7)', () => {
  it('has at least 500 cells and every person with every verb', () => {
    expect(PEOPLE.length * VERBS.length).toBeGreaterThanOrEqual(500);
  });

  it.each(PEOPLE)('%s', async (_, shape) => {
    const grants = toGrants(shape);
    const person = await web.createPerson(grants);
    const wrong: string[] = [];
    for (const verb of VERBS) {
      const expected = can(grants, verb.permission, verb.about === 'site' ? scene.siteId : undefined).allowed;
      const sees = verb.about === 'all' || can(grants, 'site.view', scene.siteId).allowed;
      const answer = await ask(person, verb);
      const wanted = expected ? 'allowed' : sees ? 'refused' : 'not-found';
      const isRight =
        wanted === 'refused' ? answer === 'forbidden' || answer === 'not-found' : answer === wanted;
      if (!isRight) wrong.push(`${verb.name}: ${answer}, expected ${wanted}`);
    }
    expect(wrong).toEqual([]);
  });

  it('shows lists only what their reader may see', async () => {
    const admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
    const third = await createSite(admin, { name: 'third' });
    const viewer = await web.createPerson([{ siteId: third.siteId, role: 'operator' }]);
    expect((await listSites(viewer)).map(({ id }) => id)).toEqual([third.siteId]);
    expect((await listRuns(viewer)).runs).toEqual([]);
    expect(await listCredentials(viewer)).toEqual([]);
  });

  it('gives a kubeconfig job to nobody but the person who asked', async () => {
    const asker = await web.createPerson([{ siteId: null, role: 'operator' }]);
    const job = await createJob(asker, {
      kind: 'kubeconfig',
      siteId: scene.siteId,
      publicKey: scene.publicKey,
    });
    const admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
    await expect(getJob(admin, { jobId: job.id })).rejects.toMatchObject({ code: 'not-found' });
    expect(await getJob(asker, { jobId: job.id })).toMatchObject({ kind: 'kubeconfig' });
  });
});

describe('key material', () => {
  it('does not reach the web process: its role can’t read what it sealed (S1)', async () => {
    await expect(database.web.pool.query('SELECT sealed FROM secret')).rejects.toThrow(/permission denied/);
    await expect(database.web.prisma.secret.findMany()).rejects.toThrow();
    expect(JSON.stringify(Object.keys(web.runtime.keys))).toBe('["audit","seal"]');
    expect(web.runtime.keys.seal).not.toHaveProperty('privateKey');
  });
});
