import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { NodeId, SiteId } from '@/lib/core/ids';
import { recordChange } from '@/lib/db/change-feed';
import { inTransaction } from '@/lib/db/connect';
import { createLogger } from '@/lib/log/logger';
import { seal } from '@/lib/secrets/seal';
import type { RunEventBody } from '@/lib/run/run-event';
import { approveHostKey } from '@/lib/services/host-keys/approve-host-key';
import { listHostKeys } from '@/lib/services/host-keys/list-host-keys';
import { revokeHostKey } from '@/lib/services/host-keys/revoke-host-key';
import { createCredential } from '@/lib/services/credentials/create-credential';
import type { ServiceContext } from '@/lib/services/context';
import { createSite } from '@/lib/services/sites/create-site';
import type { HostConnection } from '@/lib/ssh/connect-host';
import { createEngineRig } from '@/lib/testing/engine-rig';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { createWebFixture, type WebFixture } from '@/lib/testing/web-fixture';
import type { Topology } from '@/lib/topology/topology';
import { runScan } from './jobs/scan';
import type { JobContext } from './jobs/job-context';
import { openSiteHosts, type SiteHosts } from './site-hosts';
import type { WorkerContext } from './worker-context';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
let context: WorkerContext;
const stopping = new AbortController();
beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
  context = {
    db: database.worker,
    sealKey: web.sealKey,
    policy: { allow: ['127.0.0.0/8'] },
    log: createLogger('test', new PassThrough().resume()),
    holder: 'test',
    installationId: '11111111-2222-3333-4444-555555555555',
    signal: stopping.signal,
  };
});
afterAll(async () => {
  stopping.abort();
  await database.drop();
});

let count = 0;

/** A stored credential with the key of a fake host. */
async function credentialFor(host: FakeHost): Promise<string> {
  const { auth } = host.target;
  if (auth.kind !== 'key') throw new Error('a fake host has a key');
  count += 1;
  const input = { kind: 'key', name: `key ${count}`, privateKey: auth.privateKey };
  return (await createCredential(admin, input)).id;
}

interface Rig {
  readonly siteId: SiteId;
  readonly topology: Topology;
  readonly nodeIds: readonly NodeId[];
  readonly node: FakeHost;
  readonly bastions: readonly FakeHost[];
  readonly hosts: SiteHosts;
  readonly scan: () => ReturnType<typeof runScan>;
  /** Approves whatever the last scan found, for the first node. */
  readonly approveAll: () => Promise<void>;
}

async function accessTo(host: FakeHost): Promise<object> {
  return { address: '127.0.0.1', port: host.port, user: 'siteplan', credentialId: await credentialFor(host) };
}

/** A site of `count` nodes (all the same fake host) behind the named bastions, the first one next to the worker. */
async function rigOf(
  { onTestFinished }: TestContext,
  names: readonly string[] = [],
  nodeCount = 1,
): Promise<Rig> {
  const node = await startFakeHost('s1');
  const bastions = await Promise.all(names.map(startFakeHost));
  let bastion: object | undefined;
  for (const host of bastions) bastion = { ...(await accessTo(host)), ...(bastion && { bastion }) };
  const ssh = { ...(await accessTo(node)), ...(bastion && { bastion }) };
  const nodes = Array.from({ length: nodeCount }, (_, index) => ({
    name: `s${index + 1}`,
    role: 'server',
    internalIp: `192.0.2.${index + 10}`,
    ssh,
  }));
  count += 1;
  const site = await createSite(admin, { name: `site ${count}`, topology: { pattern: 'custom', nodes } });
  const siteId = SiteId.parse(site.siteId);
  const hosts = openSiteHosts(context, site.topology, siteId);
  onTestFinished(async () => {
    hosts.close();
    await Promise.all([node, ...bastions].map((host) => host.stop()));
  });
  const fenced: JobContext['fenced'] = (work) => inTransaction(database.worker.pool, work);
  const job = { ...context, siteId, topology: site.topology, fenced, progress: () => Promise.resolve() };
  const scan = () => runScan(job as unknown as JobContext); // what a scan reads of a job
  const nodeIds = site.topology.nodes.map(({ id }) => id);
  const approveAll = async () => {
    for (const { nodeId, fingerprint, hop, approvedAt } of await listHostKeys(admin, { siteId })) {
      if (nodeId !== nodeIds[0] || approvedAt) continue;
      await approveHostKey(admin, { siteId, nodeId, fingerprint, hop });
    }
  };
  return { siteId, topology: site.topology, nodeIds, node, bastions, hosts, scan, approveAll };
}

async function openFirst(rig: Rig): Promise<{ connection: HostConnection; isOpen: () => boolean }> {
  const nodeId = rig.nodeIds[0] ?? NodeId.parse('n-none');
  const connection = await rig.hosts.connect(nodeId);
  let isOpen = true;
  connection.onClose(() => {
    isOpen = false;
  });
  const result = await connection.openShell().run({ script: 'echo works', timeoutMs: 10_000 });
  expect(result.stdout.toString()).toBe('works\n');
  return { connection, isOpen: () => isOpen };
}

const keyOf = async (rig: Rig, wantedHop?: string) => {
  const keys = await listHostKeys(admin, { siteId: rig.siteId });
  const key = keys.find(({ nodeId, hop }) => nodeId === rig.nodeIds[0] && hop === wantedHop);
  if (!key) throw new Error('the key is there');
  return { siteId: rig.siteId, nodeId: key.nodeId, fingerprint: key.fingerprint, hop: key.hop };
};

describe('bastions through the worker', () => {
  it('are scanned, approved and passed one after the other, each by its own key', async (t) => {
    const rig = await rigOf(t, ['gate', 'inner', 'last']);
    const names = rig.bastions.map(({ port }) => `127.0.0.1:${port}`);
    const states = async () => {
      const [node] = (await rig.scan()).nodes;
      return [...(node?.hops ?? []), node].map((place) => place?.failure?.code ?? place?.state);
    };
    const unknown = 'host-key-unknown';
    expect(await states()).toEqual(['new', unknown, unknown, unknown]);
    await rig.approveAll();
    expect(await states()).toEqual(['approved', 'new', unknown, unknown]);
    await rig.approveAll();
    await states();
    await rig.approveAll();
    expect(await states()).toEqual(['approved', 'approved', 'approved', 'new']);
    // Nobody signed in to the node so far.
    expect(rig.node.authRequests()).toBe(0);
    await expect(openFirst(rig)).rejects.toMatchObject({ code: unknown });
    await rig.approveAll();
    const { connection } = await openFirst(rig);
    const keys = await listHostKeys(admin, { siteId: rig.siteId });
    expect(keys.flatMap(({ hop }) => (hop ? [hop] : [])).sort()).toEqual([...names].sort());
    for (const host of [...rig.bastions, rig.node]) expect(host.link.connections()).toBe(1);
    connection.close();
    await waitFor(() => rig.bastions.every((host) => host.link.connections() === 0), {
      what: 'the connections of the hops to end',
    });
  });

  it('are approved and revoked once for all nodes behind them', async (t) => {
    const rig = await rigOf(t, ['gate'], 3);
    await rig.scan();
    await approveHostKey(admin, await keyOf(rig, `127.0.0.1:${rig.bastions[0]?.port}`));
    const after = (await rig.scan()).nodes;
    expect(after.map(({ state, hops }) => [state, hops[0]?.state])).toEqual(
      Array.from({ length: 3 }, () => ['new', 'approved']),
    );
    await approveHostKey(admin, await keyOf(rig));
    expect((await rig.scan()).nodes.map(({ state }) => state)).toEqual(['approved', 'new', 'new']);
    await revokeHostKey(admin, await keyOf(rig, `127.0.0.1:${rig.bastions[0]?.port}`));
    const codes = (await rig.scan()).nodes.map(({ failure }) => failure?.code);
    expect(codes).toEqual(Array.from({ length: 3 }, () => 'host-key-unknown'));
  });

  it('that forward nothing say so, by their name', async (t) => {
    const rig = await rigOf(t, ['gate-forwards-nothing']);
    await rig.scan();
    await rig.approveAll();
    const failure = (await rig.scan()).nodes[0]?.failure;
    expect(failure?.code).toBe('host-unreachable');
    expect(failure?.message).toContain(`bastion 127.0.0.1:${rig.bastions[0]?.port} could not reach s1`);
  });
});

describe('trust that changes', () => {
  async function approved(t: TestContext, names: readonly string[] = []): Promise<Rig> {
    const rig = await rigOf(t, names);
    for (let round = 0; round <= names.length; round += 1) {
      await rig.scan();
      await rig.approveAll();
    }
    return rig;
  }

  /** Waits for the end of the connection, and says why the next one fails. */
  async function endOf(rig: Rig, isOpen: () => boolean): Promise<string> {
    await waitFor(() => !isOpen(), { what: 'the connection to be ended' });
    return openFirst(rig).then(
      () => 'connected',
      (error: unknown) => (error as { code: string }).code, // a HostError
    );
  }

  it('in the host key of the node ends its connection', async (t) => {
    const rig = await approved(t);
    const { isOpen } = await openFirst(rig);
    await rig.scan();
    await revokeHostKey(admin, await keyOf(rig));
    expect(await endOf(rig, isOpen)).toBe('host-key-unknown');
  });

  it('in the host key of a bastion ends what goes through it', async (t) => {
    const rig = await approved(t, ['gate']);
    const { isOpen } = await openFirst(rig);
    await revokeHostKey(admin, await keyOf(rig, `127.0.0.1:${rig.bastions[0]?.port}`));
    expect(await endOf(rig, isOpen)).toBe('host-key-unknown');
  });

  it('in a credential ends the connections that were made with it', async (t) => {
    const rig = await approved(t);
    const { isOpen } = await openFirst(rig);
    const credentialId = rig.topology.nodes[0]?.ssh.credentialId ?? '';
    await database.worker.prisma.credential.update({
      where: { id: credentialId },
      data: { deletedAt: new Date() },
    });
    await recordChange(database.worker.pool, 'credential', credentialId);
    expect(await endOf(rig, isOpen)).toBe('credential-missing');
  });

  it('to a credential that was stored again makes a new connection with it', async (t) => {
    const rig = await approved(t);
    const { isOpen } = await openFirst(rig);
    const owner = rig.topology.nodes[0]?.ssh.credentialId ?? '';
    const row = { id: `sec-${count}-again`, version: 2, purpose: 'credential', owner };
    const sealed = seal(web.runtime.keys.seal, Buffer.from(JSON.stringify({ password: 'wrong' })), row);
    const { keyId } = web.runtime.keys.seal;
    await database.worker.prisma.secret.create({ data: { ...row, sealed: new Uint8Array(sealed), keyId } });
    await recordChange(database.worker.pool, 'credential', owner);
    expect(await endOf(rig, isOpen)).toBe('auth-rejected');
  });

  it('elsewhere leaves a connection alone', async (t) => {
    const [rig, other] = await Promise.all([approved(t), approved(t)]);
    const [mine, theirs] = await Promise.all([openFirst(rig), openFirst(other)]);
    await rig.scan();
    await revokeHostKey(admin, await keyOf(other));
    expect(await endOf(other, theirs.isOpen)).toBe('host-key-unknown');
    expect(mine.isOpen()).toBe(true);
    expect((await openFirst(rig)).connection).toBe(mine.connection);
  });

  async function runUntilOutput(rig: Rig) {
    const nodeId = rig.nodeIds[0] ?? '';
    const host = { nodeId, target: rig.node.target, root: rig.node.root };
    const step = { nodeId, params: { name: 'long', lines: 600, pauseS: '0.1' } };
    const engine = await createEngineRig(database.worker, [host], [step]);
    const ended = engine.execute({
      connect: async (id) => ({ ...(await rig.hosts.connect(NodeId.parse(id))), close: () => undefined }),
    });
    const types = async () => (await engine.events()).map(({ type }: RunEventBody) => type);
    await waitFor(async () => (await types()).includes('step.output'), { what: 'output of the act' });
    return { engine, ended };
  }

  it('under a run ends it as something for a person', async (t) => {
    const rig = await approved(t);
    const { engine, ended } = await runUntilOutput(rig);
    await revokeHostKey(admin, await keyOf(rig));
    expect(await ended).toBe('needs-attention');
    expect(JSON.stringify(await engine.events())).toContain('host-key-unknown');
  });

  it('by a credential that goes ends a run, which names it', async (t) => {
    const rig = await approved(t);
    const { engine, ended } = await runUntilOutput(rig);
    const id = rig.topology.nodes[0]?.ssh.credentialId ?? '';
    await database.worker.prisma.credential.update({ where: { id }, data: { deletedAt: new Date() } });
    await recordChange(database.worker.pool, 'credential', id);
    expect(await ended).toBe('needs-attention');
    expect(JSON.stringify(await engine.events())).toContain('credential-missing');
  });
});
