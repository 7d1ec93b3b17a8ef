import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { can } from '@/lib/access/can';
import type { Grant } from '@/lib/access/grant';
import type { Permission } from '@/lib/access/permission';
import { isAppError } from '@/lib/core/errors';
import { SiteId } from '@/lib/core/ids';
import { makeOneTimeKey } from '@/components/live/open-sealed';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { exportAudit } from './audit/export-audit';
import { listAudit } from './audit/list-audit';
import { verifyAudit } from './audit/verify-audit';
import type { ServiceContext } from './context';
import { newId } from './context';
import { createCredential } from './credentials/create-credential';
import { deleteCredential } from './credentials/delete-credential';
import { listCredentials } from './credentials/list-credentials';
import { getSiteNow } from './health/get-site-now';
import { approveHostKey } from './host-keys/approve-host-key';
import { listHostKeys } from './host-keys/list-host-keys';
import { revokeHostKey } from './host-keys/revoke-host-key';
import { createJob } from './jobs/create-job';
import { findLatestJob } from './jobs/find-latest-job';
import { getJob } from './jobs/get-job';
import { getPlan } from './plans/get-plan';
import { listPlans } from './plans/list-plans';
import { cancelRun } from './runs/cancel-run';
import { createRun } from './runs/create-run';
import { exportRunLog } from './runs/export-run-log';
import { getRun } from './runs/get-run';
import { listRunEvents } from './runs/list-run-events';
import { listRuns } from './runs/list-runs';
import { retryRun } from './runs/retry-run';
import { createSite } from './sites/create-site';
import { deleteSite } from './sites/delete-site';
import { getSite } from './sites/get-site';
import { listSites } from './sites/list-sites';
import { renameSite } from './sites/rename-site';
import { checkFindings } from './topology/check-findings';
import { getRevision } from './topology/get-revision';
import { getTopology } from './topology/get-topology';
import { listRevisions } from './topology/list-revisions';
import { putTopology } from './topology/put-topology';
import { createUser } from './users/create-user';
import { listUsers } from './users/list-users';
import { resetUser } from './users/reset-user';
import { setGrants } from './users/set-grants';
import { setUserDisabled } from './users/set-user-disabled';

/*
 * S7: every verb of the services, asked by every kind of person, about an own and a foreign site. What is expected is computed
 * from the permission that the verb is declared with; "allowed" means that the refusal, if any, is not about rights.
 */

interface Scene {
  readonly siteId: string;
  readonly otherSiteId: string;
  readonly planId: string;
  readonly runId: string;
  readonly endedRunId: string;
  readonly jobId: string;
  readonly foreignCredentialId: string;
  readonly userId: string;
}

interface Verb {
  readonly name: string;
  readonly permission: Permission;
  /** Asked about the scene's site (`site`), or about the whole installation (`all`). */
  readonly about: 'site' | 'all';
  readonly call: (ctx: ServiceContext, scene: Scene) => Promise<unknown>;
}

const FINGERPRINT = `SHA256:${'A'.repeat(43)}`;
const first = async (pieces: AsyncGenerator<string>) => (await pieces.next()).value as unknown;
let publicKey = '';

const VERBS: readonly Verb[] = [
  { name: 'getSite', permission: 'site.view', about: 'site', call: getSite },
  { name: 'getTopology', permission: 'site.view', about: 'site', call: getTopology },
  {
    name: 'getRevision',
    permission: 'site.view',
    about: 'site',
    call: (ctx, s) => getRevision(ctx, { ...s, revision: 1 }),
  },
  { name: 'listRevisions', permission: 'site.view', about: 'site', call: listRevisions },
  {
    name: 'checkFindings',
    permission: 'site.view',
    about: 'site',
    call: (ctx, { siteId }) => checkFindings(ctx, { siteId }),
  },
  { name: 'getSiteNow', permission: 'site.view', about: 'site', call: getSiteNow },
  {
    name: 'renameSite',
    permission: 'site.edit',
    about: 'site',
    call: (ctx, { siteId }) => renameSite(ctx, { siteId, name: newId('name') }),
  },
  {
    name: 'putTopology',
    permission: 'site.edit',
    about: 'site',
    call: (ctx, { siteId }) => putTopology(ctx, { siteId, topology: {}, etag: 'other' }),
  },
  {
    name: 'deleteSite',
    permission: 'site.delete',
    about: 'site',
    call: (ctx, { siteId }) => deleteSite(ctx, { siteId, typedName: 'other' }),
  },
  { name: 'listHostKeys', permission: 'host-key.view', about: 'site', call: listHostKeys },
  {
    name: 'approveHostKey',
    permission: 'host-key.approve',
    about: 'site',
    call: (ctx, { siteId }) =>
      approveHostKey(ctx, { siteId, nodeId: 'n-none', fingerprint: FINGERPRINT }).catch(
        asAllowed(ctx, siteId),
      ),
  },
  {
    name: 'revokeHostKey',
    permission: 'host-key.approve',
    about: 'site',
    call: (ctx, { siteId }) =>
      revokeHostKey(ctx, { siteId, nodeId: 'n-none', fingerprint: FINGERPRINT }).catch(
        asAllowed(ctx, siteId),
      ),
  },
  {
    name: 'createJob scan',
    permission: 'job.create',
    about: 'site',
    call: (ctx, { siteId }) => createJob(ctx, { kind: 'scan', siteId }),
  },
  {
    name: 'createJob preflight',
    permission: 'job.create',
    about: 'site',
    call: (ctx, { siteId }) => createJob(ctx, { kind: 'preflight', siteId }),
  },
  {
    name: 'createJob plan',
    permission: 'job.create',
    about: 'site',
    call: (ctx, { siteId }) => createJob(ctx, { kind: 'plan', siteId }),
  },
  {
    name: 'createJob kubeconfig',
    permission: 'kubeconfig.get',
    about: 'site',
    call: (ctx, { siteId }) => createJob(ctx, { kind: 'kubeconfig', siteId, publicKey }),
  },
  { name: 'getJob', permission: 'job.view', about: 'site', call: getJob },
  {
    name: 'findLatestJob',
    permission: 'job.view',
    about: 'site',
    call: (ctx, { siteId }) => findLatestJob(ctx, { siteId, kind: 'plan' }),
  },
  { name: 'getPlan', permission: 'plan.view', about: 'site', call: getPlan },
  { name: 'listPlans', permission: 'plan.view', about: 'site', call: listPlans },
  {
    name: 'createRun',
    permission: 'run.create',
    about: 'site',
    call: (ctx, { planId }) => createRun(ctx, { planId }),
  },
  { name: 'getRun', permission: 'run.view', about: 'site', call: getRun },
  {
    name: 'listRuns of a site',
    permission: 'run.view',
    about: 'site',
    call: (ctx, { siteId }) => listRuns(ctx, { siteId }),
  },
  {
    name: 'listRunEvents',
    permission: 'run.view',
    about: 'site',
    call: (ctx, { runId }) => listRunEvents(ctx, { runId }),
  },
  {
    name: 'exportRunLog',
    permission: 'run.view',
    about: 'site',
    call: (ctx, scene) => first(exportRunLog(ctx, scene)),
  },
  {
    name: 'cancelRun',
    permission: 'run.control',
    about: 'site',
    call: (ctx, { endedRunId }) => cancelRun(ctx, { runId: endedRunId }),
  },
  {
    name: 'retryRun',
    permission: 'run.control',
    about: 'site',
    call: (ctx, { endedRunId }) => retryRun(ctx, { runId: endedRunId }),
  },
  {
    name: 'createSite',
    permission: 'site.create',
    about: 'all',
    call: (ctx) => createSite(ctx, { name: newId('made') }),
  },
  { name: 'listCredentials', permission: 'credential.list', about: 'all', call: listCredentials },
  {
    name: 'createCredential',
    permission: 'credential.create',
    about: 'all',
    call: (ctx) => createCredential(ctx, { kind: 'password', name: newId('cred'), password: 'x' }),
  },
  {
    name: 'deleteCredential of another',
    permission: 'credential.delete',
    about: 'all',
    call: (ctx, { foreignCredentialId }) => deleteCredential(ctx, { credentialId: foreignCredentialId }),
  },
  {
    name: 'use credential C on host H',
    permission: 'credential.use',
    about: 'all',
    call: (ctx, scene) => useCredential(ctx, scene),
  },
  { name: 'listUsers', permission: 'user.manage', about: 'all', call: listUsers },
  {
    name: 'createUser',
    permission: 'user.manage',
    about: 'all',
    call: (ctx) => createUser(ctx, { email: `${newId('mail')}@example.net`, name: 'x', grants: [] }),
  },
  { name: 'resetUser', permission: 'user.manage', about: 'all', call: resetUser },
  {
    name: 'setUserDisabled',
    permission: 'user.manage',
    about: 'all',
    call: (ctx, { userId }) => setUserDisabled(ctx, { userId, disabled: false }),
  },
  {
    name: 'setGrants',
    permission: 'user.manage',
    about: 'all',
    call: (ctx, { userId }) => setGrants(ctx, { userId, grants: [] }),
  },
  { name: 'listAudit', permission: 'audit.view', about: 'all', call: (ctx) => listAudit(ctx) },
  { name: 'verifyAudit', permission: 'audit.view', about: 'all', call: verifyAudit },
  { name: 'exportAudit', permission: 'audit.view', about: 'all', call: (ctx) => first(exportAudit(ctx)) },
];

/** "No such host key" is an answer for those who may approve keys; for others it would hide a hole in the matrix. */
function asAllowed(ctx: ServiceContext, siteId: string): (error: unknown) => undefined {
  return (error) => {
    if (
      isAppError(error) &&
      error.code === 'not-found' &&
      can(ctx.actor.grants, 'host-key.approve', siteId).allowed
    )
      return;
    throw error;
  };
}

let hostCount = 0;

/** Whoever may edit the site tries to send somebody else's password to a host of their own, each time a new one. */
async function useCredential(
  ctx: ServiceContext,
  { otherSiteId, foreignCredentialId }: Scene,
): Promise<unknown> {
  const { topology, etag } = await getTopology(ctx, { siteId: otherSiteId });
  hostCount += 1;
  const node = {
    name: 'mine',
    role: 'server',
    internalIp: `203.0.113.${hostCount}`,
    ssh: { credentialId: foreignCredentialId },
  };
  return putTopology(ctx, { siteId: otherSiteId, topology: { ...topology, nodes: [node] }, etag });
}

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
  };
}

beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  publicKey = (await makeOneTimeKey()).publicKey;
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
    const job = await createJob(asker, { kind: 'kubeconfig', siteId: scene.siteId, publicKey });
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
