import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toBareFacts } from '@/lib/bundle/bare-facts';
import type { SiteId } from '@/lib/core/ids';
import { buildPlan } from '@/lib/plan/build-plan';
import type { PlanKind } from '@/lib/plan/plan';
import type { TestDatabase } from '@/lib/testing/test-database';
import { INSTALL_STAMP } from '@/lib/steps/rke2-install';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { listAudit } from '../audit/list-audit';
import type { ServiceContext } from '../context';
import { createSite } from '../sites/create-site';
import { deleteSite } from '../sites/delete-site';
import { getTopology } from '../topology/get-topology';
import { putTopology } from '../topology/put-topology';
import { getInventory } from './get-inventory';
import { getPlanBundle } from './get-plan-bundle';
import { getSiteBundle } from './get-site-bundle';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
let siteId: SiteId;

const RKE2 = 'v1.35.7+rke2r1';
const NODE = { name: 's1', role: 'server', internalIp: '192.0.2.10' };

beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }], 'correct horse battery');
  ({ siteId } = await createSite(admin, { name: 'Bern 2', topology: { pattern: 'custom', nodes: [NODE] } }));
});
afterAll(() => database.drop());

const personOn = (role: 'viewer' | 'operator') => web.createPerson([{ siteId, role }]);
const textOf = (bytes: Buffer) => gunzipSync(bytes).toString('utf8');
const countAudit = async () => (await listAudit(admin, { limit: 500 })).entries.length;

/** Stores a plan for the newest revision as the worker does; `apply` from bare hosts, `uninstall` of what that made. */
async function storePlan(kind: PlanKind): Promise<string> {
  const { topology, revision } = await getTopology(admin, { siteId });
  const facts = topology.nodes.map((node) => ({
    ...toBareFacts(topology, node),
    rke2Version: RKE2,
    ...(kind === 'uninstall' && { stamps: { [INSTALL_STAMP]: RKE2 } }), // else it is somebody else's
  }));
  const plan = buildPlan({ siteId, topology, revision, kind, facts });
  const { id, factsHash } = plan;
  const body = JSON.parse(JSON.stringify(plan)) as object; // as the column takes it
  await database.worker.prisma.plan.create({
    data: { id, siteId, kind, revision, factsHash, body, facts: [], createdBy: 'ann' },
  });
  return id;
}

describe('the bundle of a site', () => {
  it('goes to an operator, the same bytes each time, and changes nothing, as a GET has to', async () => {
    const operator = await personOn('operator');
    const before = await countAudit();
    const first = await getSiteBundle(operator, { siteId });
    expect(first.fileName).toBe('siteplan-bern-2-r1-from-bare-hosts.tar.gz');
    expect((await getSiteBundle(operator, { siteId })).bytes.equals(first.bytes)).toBe(true);
    const text = textOf(first.bytes);
    expect(text).toContain('siteplan-bern-2-r1-from-bare-hosts/nodes/s1/run-all.sh');
    expect(text).toMatch(/^token: "⟦secret k-\w+ v1⟧"$/m);
    expect(await countAudit()).toBe(before);
  });

  it('is refused to a viewer, who may have the inventory, and to people without the site', async () => {
    const viewer = await personOn('viewer');
    await expect(getSiteBundle(viewer, { siteId })).rejects.toMatchObject({ code: 'forbidden' });
    const { text, fileName } = await getInventory(viewer, { siteId });
    expect(fileName).toBe(`${siteId}-r1-inventory.yaml`);
    expect(text).toContain('ansible_host: 192.0.2.10\n');
    const stranger = await web.createPerson([]);
    for (const ask of [getSiteBundle, getInventory]) {
      await expect(ask(stranger, { siteId })).rejects.toMatchObject({ code: 'not-found' });
    }
  });

  it('says in words why there is none where the drawing cannot be planned', async () => {
    const empty = await createSite(admin, { name: 'empty' });
    await expect(getSiteBundle(admin, { siteId: empty.siteId })).rejects.toMatchObject({
      code: 'precondition-failed',
      message: expect.stringContaining('server') as string,
    });
    expect((await getInventory(admin, { siteId: empty.siteId })).text).toContain('servers:\n');
    await deleteSite(admin, { siteId: empty.siteId, typedName: 'empty' });
    for (const ask of [getSiteBundle, getInventory]) {
      await expect(ask(admin, { siteId: empty.siteId })).rejects.toMatchObject({ code: 'not-found' });
    }
  });

  it('is not made more than twenty times a minute for one person', async () => {
    const operator = await personOn('operator');
    for (let count = 0; count < 20; count += 1) await getSiteBundle(operator, { siteId });
    await expect(getSiteBundle(operator, { siteId })).rejects.toMatchObject({ code: 'too-many' });
  });
});

describe('the bundle of a plan', () => {
  it('holds that plan, for as long as it may be run', async () => {
    const operator = await personOn('operator');
    const planId = await storePlan('apply');
    const { bytes, fileName } = await getPlanBundle(operator, { planId });
    expect(fileName).toBe(`siteplan-bern-2-r1-${planId}.tar.gz`);
    expect(textOf(bytes)).toContain(`These are the steps of plan ${planId}`);
    await expect(getPlanBundle(await personOn('viewer'), { planId })).rejects.toMatchObject({
      code: 'forbidden',
    });
    const { topology, etag } = await getTopology(admin, { siteId });
    await putTopology(admin, { siteId, topology: { ...topology, notes: 'changed' }, etag });
    await expect(getPlanBundle(operator, { planId })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Plan again') as string,
    });
  });

  it('of an uninstall wants the right to uninstall', async () => {
    const planId = await storePlan('uninstall');
    await expect(getPlanBundle(await personOn('operator'), { planId })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('uninstall this site') as string,
    });
    expect(textOf((await getPlanBundle(admin, { planId })).bytes)).toContain('kinds/rke2.uninstall/act.sh');
  });
});
