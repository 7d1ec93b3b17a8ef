import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { SecretId } from '@/lib/core/ids';
import { CLUSTER_CA_SCRIPT, CLUSTER_CA_SLOT } from '@/lib/render/cluster-ca';
import { toSecretSlot } from '@/lib/render/secret-slot';
import { connectHost } from '@/lib/ssh/connect-host';
import { createEngineRig, RIG_POLICY, type EngineRig } from '@/lib/testing/engine-rig';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import type { TestStep } from '@/lib/testing/ledger-step';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { askClusterCa } from './cluster-ca';

const HASH = '0123456789abcdef'.repeat(4);
const PASSWORD = 'the-password-of-the-first-server';
const TOKEN = 'a-join-token-of-more-than-32-characters';
const ref = { id: SecretId.parse('sec-join'), version: 1 };
const { username } = userInfo();

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const putConfig = (node: number): TestStep => ({
  nodeId: `n-${node}`,
  kind: 'file.put',
  params: {
    path: '/etc/config.yaml',
    mode: '0600',
    owner: username,
    group: username,
    content: `token: "K10${CLUSTER_CA_SLOT}::server:${toSecretSlot(ref)}"\n`,
    secrets: [ref],
    dropsStamps: [],
  },
});

/** A first server `n-0`, and hosts that write what pins its CA. */
async function rigOf({ onTestFinished }: TestContext, joiners: number) {
  const fakes = await Promise.all(
    Array.from({ length: joiners + 1 }, (_, index) => startFakeHost(`s${index + 1}`)),
  );
  onTestFinished(async () => {
    await Promise.all(fakes.map((fake) => fake.stop()));
  });
  const hosts = fakes.map(({ target, root }, index) => ({ nodeId: `n-${index}`, target, root }));
  const steps = Array.from({ length: joiners }, (_, index) => putConfig(index + 1));
  const rig = await createEngineRig(test.worker, hosts, steps);
  const asked: string[] = [];
  const options = {
    firstServerId: 'n-0',
    secretValue: () => TOKEN,
    connect: (nodeId: string) => {
      asked.push(nodeId);
      const target = hosts.find((host) => host.nodeId === nodeId)?.target;
      if (!target) throw new Error(`no host ${nodeId}`);
      return connectHost(target, { policy: RIG_POLICY });
    },
  };
  return { rig, fakes, asked, run: () => rig.execute(options) };
}

async function writeToken(host: FakeHost | undefined, content: string): Promise<void> {
  const dir = join(host?.root ?? '', 'var/lib/rancher/rke2/server');
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'token'), content);
}

const configOf = (host: FakeHost | undefined) => readFile(join(host?.root ?? '', 'etc/config.yaml'), 'utf8');

/** What the retry of a run does to its rows. */
async function requeue({ runId }: EngineRig): Promise<void> {
  const { pool } = test.worker;
  await pool.query(`UPDATE run_step SET state = 'waiting', finished_at = NULL WHERE run_id = $1`, [runId]);
  await pool.query(`UPDATE run SET state = 'queued', finished_at = NULL WHERE id = $1`, [runId]);
}

describe.concurrent('the CA that a joining node pins', () => {
  it('is asked of the first server, once for all of a run, and only its hash comes over', async (t) => {
    const { rig, fakes, asked, run } = await rigOf(t, 3);
    await writeToken(fakes[0], `K10${HASH}::server:${PASSWORD}\n`);
    expect(await run()).toBe('done');
    for (const joiner of fakes.slice(1))
      expect(await configOf(joiner)).toBe(`token: "K10${HASH}::server:${TOKEN}"\n`);
    expect(asked.filter((nodeId) => nodeId === 'n-0')).toHaveLength(1);
    expect(JSON.stringify(await rig.events())).not.toMatch(/K10[0-9a-f]/);
    const [first] = rig.hosts;
    if (!first) throw new Error('the rig has hosts');
    const connection = await connectHost(first.target, { policy: RIG_POLICY });
    const shell = connection.openShell();
    t.onTestFinished(() => connection.close());
    const call = { script: CLUSTER_CA_SCRIPT, variables: { root: first.root }, timeoutMs: 10_000 };
    const said = await shell.run(call);
    expect(`${said.stdout.toString()}${said.stderr.toString()}`).toBe(`${HASH}\n`);
    for (const odd of ['', PASSWORD, `K10${HASH}`, `K10abc::server:${PASSWORD}`, `x K10${HASH}::server:x`]) {
      await writeToken(fakes[0], `${odd}\n`);
      expect(await askClusterCa(shell, first.root), odd).toBeNull();
    }
  });

  it('is asked again by the next try, when the first server did not know it yet', async (t) => {
    const { rig, fakes, run } = await rigOf(t, 1);
    expect(await run()).toBe('failed');
    await expect(configOf(fakes[1])).rejects.toThrow('ENOENT');
    await writeToken(fakes[0], `K10${HASH}::server:${PASSWORD}\n`);
    await requeue(rig);
    expect(await run()).toBe('done');
    expect(await configOf(fakes[1])).toBe(`token: "K10${HASH}::server:${TOKEN}"\n`);
  });

  it('is asked again when the connection to the first server breaks while it answers', async (t) => {
    const { rig, fakes, asked, run } = await rigOf(t, 1);
    await writeToken(fakes[0], `K10${HASH}::server:${PASSWORD}\n`);
    const [first] = fakes;
    const begun = join(first?.root ?? '', 'begun');
    // The first time it never ends.
    const sed = `#!/bin/sh\n[ -f ${begun} ] || { : > ${begun}; sleep 600; }\nexec /bin/sed "$@"\n`;
    await writeFile(join(first?.root ?? '', 'bin/sed'), sed, { mode: 0o755 });
    const cut = waitFor(() => existsSync(begun), { what: 'the first server to be asked' }).then(() =>
      first?.link.resetAll(),
    );
    expect(await run()).toBe('done');
    await cut;
    expect(await configOf(fakes[1])).toBe(`token: "K10${HASH}::server:${TOKEN}"\n`);
    expect(asked.filter((nodeId) => nodeId === 'n-0')).toHaveLength(2);
    const lost = (await rig.events()).filter(({ type }) => type === 'host.lost' || type === 'host.back');
    expect(lost.map((event) => ('nodeId' in event ? `${event.type} ${event.nodeId}` : ''))).toEqual([
      'host.lost n-0',
      'host.back n-0',
    ]);
  });
});
