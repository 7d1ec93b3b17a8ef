import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSealed } from '@/lib/secrets/seal';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import { verifyAudit } from './audit/verify-audit';
import type { ServiceContext } from './context';
import { createCredential } from './credentials/create-credential';
import { listCredentials } from './credentials/list-credentials';
import { getDraft } from './drafts/get-draft';
import { saveDraft } from './drafts/save-draft';
import { createSite } from './sites/create-site';
import { deleteSite } from './sites/delete-site';
import { getSite } from './sites/get-site';
import { listSites } from './sites/list-sites';
import { renameSite } from './sites/rename-site';
import { getTopology } from './topology/get-topology';
import { listRevisions } from './topology/list-revisions';
import { putTopology } from './topology/put-topology';
import { transact } from './transact';
import { resetUser } from './users/reset-user';
import { setGrants } from './users/set-grants';
import { setUserDisabled } from './users/set-user-disabled';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }], 'correct horse battery');
});
afterAll(() => database.drop());

const node = (name: string, internalIp: string, credentialId?: string) => ({
  name,
  role: 'server',
  internalIp,
  ssh: credentialId ? { credentialId } : {},
});
const topologyOf = (...nodes: object[]) => ({ pattern: 'custom', nodes });

/** What a worker, and only a worker, gets out of the sealed rows of an owner. */
async function openAs(owner: string): Promise<Map<string, string>> {
  const rows = await database.worker.prisma.secret.findMany({ where: { owner } });
  return new Map(
    rows.map(({ sealed, ...row }) => [row.purpose, openSealed(web.sealKey, sealed, row).toString('utf8')]),
  );
}

describe('sites', () => {
  it('begin with node ids of ours and two sealed join tokens of 256 bits (S29)', async () => {
    const view = await createSite(admin, { name: 'berlin', topology: topologyOf(node('s1', '192.0.2.1')) });
    expect(view.revision).toBe(1);
    expect(view.topology.nodes[0]?.id).toMatch(/^n-[a-z0-9]{12}$/);
    const { serverToken, agentToken } = view.topology.security;
    expect(serverToken).toBeDefined();
    expect(agentToken).not.toEqual(serverToken);
    const tokens = await openAs(view.siteId);
    expect([...tokens.keys()].sort()).toEqual(['agent-token', 'server-token']);
    expect(tokens.get('server-token')).toMatch(/^[0-9a-f]{64}$/);
    expect(tokens.get('agent-token')).toMatch(/^[0-9a-f]{64}$/);
    expect(tokens.get('agent-token')).not.toBe(tokens.get('server-token'));
    const ids = await database.worker.prisma.secret.findMany({
      where: { owner: view.siteId },
      select: { id: true },
    });
    expect(ids.map(({ id }) => id).sort()).toEqual([serverToken?.id, agentToken?.id].sort());
    expect(await database.worker.prisma.siteLease.count({ where: { siteId: view.siteId } })).toBe(1);
    expect(await getSite(admin, view)).toMatchObject({
      name: 'berlin',
      servers: 1,
      revision: 1,
      appliedRevision: null,
    });
  });

  it('take YAML as well, and refuse what is no topology with the place', async () => {
    const yaml = 'pattern: custom\nnodes:\n  - {name: s1, role: server, internalIp: 192.0.2.2}\n';
    expect((await createSite(admin, { name: 'yaml', topology: yaml })).topology.nodes).toHaveLength(1);
    const bad = createSite(admin, { name: 'bad', topology: topologyOf(node('S 1', '192.0.2.300')) });
    await expect(bad).rejects.toMatchObject({
      code: 'invalid',
      fields: {
        'nodes[0].name': expect.any(String) as string,
        'nodes[0].internalIp': expect.any(String) as string,
      },
    });
  });

  it('have names of their own', async () => {
    await expect(createSite(admin, { name: 'berlin' })).rejects.toMatchObject({ code: 'conflict' });
    const { siteId } = await createSite(admin, { name: 'hamburg' });
    await expect(renameSite(admin, { siteId, name: 'berlin' })).rejects.toMatchObject({ code: 'conflict' });
    expect(await renameSite(admin, { siteId, name: ' köln ' })).toMatchObject({ name: 'köln' });
    await expect(createSite(admin, { name: 'a\nb' })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('go only when their name is typed, and free it', async () => {
    const { siteId } = await createSite(admin, { name: 'gone' });
    await expect(deleteSite(admin, { siteId, typedName: 'Gone' })).rejects.toMatchObject({ code: 'invalid' });
    await deleteSite(admin, { siteId, typedName: 'gone' });
    await expect(getSite(admin, { siteId })).rejects.toMatchObject({ code: 'not-found' });
    await expect(getTopology(admin, { siteId })).rejects.toMatchObject({ code: 'not-found' });
    expect((await listSites(admin)).map(({ id }) => id)).not.toContain(siteId);
    expect((await createSite(admin, { name: 'gone' })).siteId).not.toBe(siteId);
  });

  it('delete the draft that they came from, and nobody else’s', async () => {
    const other = await web.createPerson([]);
    const [mine, theirs] = [
      await saveDraft(admin, { draftId: null, document: { a: 1 } }),
      await saveDraft(other, { draftId: null, document: { b: 2 } }),
    ];
    expect(await getDraft(admin, theirs)).toBeNull();
    await expect(saveDraft(admin, { draftId: theirs.draftId, document: {} })).rejects.toMatchObject({
      code: 'not-found',
    });
    await createSite(admin, { name: 'from draft', draftId: mine.draftId });
    await createSite(admin, { name: 'from theirs', draftId: theirs.draftId });
    expect(await getDraft(admin, mine)).toBeNull();
    expect(await getDraft(other, theirs)).toMatchObject({ document: { b: 2 } });
  });
});

describe('topologies', () => {
  it('are saved once per ETag, of two at once one wins', async () => {
    const { siteId, etag, topology } = await createSite(admin, {
      name: 'etag',
      topology: topologyOf(node('s1', '192.0.2.1')),
    });
    const save = (notes: string) =>
      putTopology(admin, { siteId, topology: { ...topology, notes }, etag: `"${etag}"` });
    const saves = await Promise.allSettled(['a', 'b', 'c', 'd'].map(save));
    expect(saves.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of saves) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'precondition-failed' });
    }
    expect((await listRevisions(admin, { siteId })).map(({ revision }) => revision)).toEqual([2, 1]);
  });

  it('make no revision when nothing changed, and keep ids by name (contract 7)', async () => {
    const first = await createSite(admin, { name: 'ids', topology: topologyOf(node('s1', '192.0.2.1')) });
    const { siteId, etag, topology } = first;
    const same = await putTopology(admin, { siteId, topology, etag });
    expect(same).toEqual(first);
    const bare = topologyOf(node('s1', '192.0.2.1'), node('s2', '192.0.2.2'));
    const second = await putTopology(admin, { siteId, topology: bare, etag });
    expect(second.revision).toBe(2);
    expect(second.topology.nodes[0]?.id).toBe(topology.nodes[0]?.id);
    const third = await putTopology(admin, {
      siteId,
      topology: topologyOf(node('s2', '192.0.2.2')),
      etag: second.etag,
    });
    const rows = await database.web.prisma.node.findMany({ where: { siteId }, orderBy: { name: 'asc' } });
    expect(rows.map(({ name, removedAt }) => [name, removedAt !== null])).toEqual([
      ['s1', true],
      ['s2', false],
    ]);
    expect(third.topology.security).toEqual(first.topology.security);
  });

  it('cannot claim a node of another site', async () => {
    const victim = await createSite(admin, { name: 'victim', topology: topologyOf(node('s1', '192.0.2.1')) });
    const stolen = { ...node('s1', '203.0.113.1'), id: victim.topology.nodes[0]?.id };
    const thief = await createSite(admin, { name: 'thief', topology: topologyOf(stolen) });
    expect(thief.topology.nodes[0]?.id).not.toBe(stolen.id);
  });

  it('cannot refer to a secret of another site, or to one for another purpose', async () => {
    const victim = await createSite(admin, { name: 'victim 2' });
    const thief = await createSite(admin, { name: 'thief 2' });
    const { siteId, etag, topology } = thief;
    const refused = { code: 'invalid', fields: expect.any(Object) as object };
    const foreign = {
      ...topology,
      security: { ...topology.security, serverToken: victim.topology.security.serverToken },
    };
    await expect(putTopology(admin, { siteId, topology: foreign, etag })).rejects.toMatchObject(refused);
    const swapped = {
      ...topology,
      security: { ...topology.security, serverToken: topology.security.agentToken },
    };
    await expect(putTopology(admin, { siteId, topology: swapped, etag })).rejects.toMatchObject(refused);
    const asKey = {
      ...topology,
      edge: { tailscale: { enabled: true, authKey: topology.security.serverToken } },
    };
    await expect(putTopology(admin, { siteId, topology: asKey, etag })).rejects.toMatchObject(refused);
    await expect(createSite(admin, { name: 'thief 3', topology: asKey })).rejects.toMatchObject(refused);
    const third = await createSite(admin, { name: 'thief 3', topology: foreign });
    const { serverToken, agentToken } = third.topology.security;
    const own = await database.worker.prisma.secret.findMany({ where: { owner: third.siteId } });
    expect(own.map(({ id }) => id).sort()).toEqual([serverToken?.id, agentToken?.id].sort());
  });
});

describe('users', () => {
  it('never lose their last administrator', async () => {
    const lonely = createWebFixture(database);
    const { userId } = admin.actor;
    await expect(setUserDisabled(admin, { userId, disabled: true })).rejects.toMatchObject({
      code: 'conflict',
    });
    const invited = await lonely.createPerson([{ siteId: null, role: 'admin' }]); // has no password yet
    await expect(setGrants(invited, { userId, grants: [] })).rejects.toMatchObject({ code: 'conflict' });
    await expect(setUserDisabled(invited, { userId, disabled: true })).rejects.toMatchObject({
      code: 'conflict',
    });
    // Taking the only password away would leave nobody who can sign in, oneself included.
    for (const person of [invited, admin]) {
      await expect(resetUser(person, { userId })).rejects.toMatchObject({ code: 'conflict' });
    }
    const second = await web.createPerson([{ siteId: null, role: 'admin' }], 'correct horse battery');
    expect(await setGrants(second, { userId, grants: [{ siteId: null, role: 'admin' }] })).toMatchObject({
      id: userId,
    });
    const third = await web.createPerson([{ siteId: null, role: 'admin' }], 'correct horse battery');
    expect((await resetUser(second, { userId: third.actor.userId })).link).toMatch(/^\/setup\?token=/);
  });
});

describe('mutations', () => {
  it('write exactly one audit row, or nothing at all (S27)', async () => {
    const before = await database.web.prisma.audit.count();
    await expect(transact(admin, () => Promise.resolve())).rejects.toThrow(/0 audit rows/);
    const twice = transact(admin, async (tx) => {
      await tx.prisma.draft.create({ data: { id: 'never', userId: admin.actor.userId, document: '{}' } });
      await tx.audit('a', 'b');
      await tx.audit('c', 'd');
    });
    await expect(twice).rejects.toThrow(/2 audit rows/);
    expect(await database.web.prisma.draft.count({ where: { id: 'never' } })).toBe(0);
    expect(await database.web.prisma.audit.count()).toBe(before);
    await createSite(admin, { name: 'audited' });
    const rows = await database.web.prisma.audit.findMany({ orderBy: { seq: 'desc' }, take: 1 });
    const { email: actor, ip, requestId } = admin.actor;
    expect(rows[0]).toMatchObject({ actor, action: 'site.create', ip, requestId });
    expect(await database.web.prisma.audit.count()).toBe(before + 1);
  });

  it('do not happen when the audit cannot be written', async () => {
    const owner = new Client({ connectionString: database.ownerUrl });
    await owner.connect();
    await owner.query('REVOKE INSERT ON audit FROM siteplan_web');
    await expect(createSite(admin, { name: 'unaudited' })).rejects.toThrow();
    await expect(
      createCredential(admin, { kind: 'password', name: 'unaudited', password: 'x' }),
    ).rejects.toThrow();
    await owner.query('GRANT INSERT ON audit TO siteplan_web');
    await owner.end();
    expect((await listSites(admin)).map(({ name }) => name)).not.toContain('unaudited');
    expect((await listCredentials(admin)).map(({ name }) => name)).not.toContain('unaudited');
  });

  it('leave a chain that holds', async () => {
    expect(await verifyAudit(admin)).toMatchObject({ ok: true, firstBadSeq: null });
  });
});
