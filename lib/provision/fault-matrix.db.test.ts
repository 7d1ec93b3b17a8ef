import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { SecretId } from '@/lib/core/ids';
import { CLUSTER_CA_SLOT } from '@/lib/render/cluster-ca';
import { toSecretSlot } from '@/lib/render/secret-slot';
import { connectHost } from '@/lib/ssh/connect-host';
import type { HostTarget } from '@/lib/ssh/target';
import { createEngineRig, RIG_KEEPALIVE, RIG_POLICY, type EngineRig } from '@/lib/testing/engine-rig';
import { expectFault } from '@/lib/testing/expect-fault';
import { FAKE_FAULTS, type FakeFaultId } from '@/lib/testing/fake-faults';
import { findFreePort } from '@/lib/testing/find-free-port';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import type { TestStep } from '@/lib/testing/ledger-step';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import type { ExecuteRunOptions } from './run-engine';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

interface Provoked {
  readonly rig: EngineRig;
  readonly overrides?: Partial<ExecuteRunOptions>;
  /** What else must hold once the run has ended. */
  readonly after?: () => void | Promise<void>;
}

const NODE = 'n-0';
const fault = (params: Readonly<Record<string, string>> = {}, kind = 'test.fault'): TestStep => ({
  nodeId: NODE,
  kind,
  params,
});

async function startHost({ onTestFinished }: TestContext, name = 's1'): Promise<FakeHost> {
  const host = await startFakeHost(name);
  onTestFinished(() => host.stop());
  return host;
}

async function onHost(
  t: TestContext,
  step: TestStep,
  changes: Partial<HostTarget> = {},
  name = 's1',
): Promise<{ rig: EngineRig; host: FakeHost }> {
  const host = await startHost(t, name);
  const target = { ...host.target, ...changes };
  return {
    host,
    rig: await createEngineRig(test.worker, [{ nodeId: NODE, target, root: host.root }], [step]),
  };
}

const acting = (act: string) => async (t: TestContext) => onHost(t, fault({ act }));
const named = (name: string) => async (t: TestContext) => onHost(t, fault(), {}, name);

const secretRef = { id: SecretId.parse('sec-join'), version: 1 };
const filePut: TestStep = {
  nodeId: NODE,
  kind: 'file.put',
  params: {
    path: '/etc/rancher/rke2/config.yaml',
    mode: '0600',
    owner: 'root',
    group: 'root',
    content: `token: ${toSecretSlot(secretRef)}\n`,
    secrets: [secretRef],
    dropsStamps: [],
  },
};

const pinnedPut: TestStep = {
  ...filePut,
  params: { ...filePut.params, content: `token: "K10${CLUSTER_CA_SLOT}::server:x"\n`, secrets: [] },
};
const PINNED: Partial<ExecuteRunOptions> = { firstServerId: NODE };

const PROVOKE: Readonly<Record<FakeFaultId, (t: TestContext) => Promise<Provoked>>> = {
  'wrong-host-key': async (t) => {
    const { rig, host } = await onHost(t, fault(), {}, 's1-changed-key');
    return { rig, after: () => expect(host.authRequests()).toBe(0) };
  },
  'no-approved-key': async (t) => onHost(t, fault(), { hostKey: { pinned: [] } }),
  'forbidden-address': async (t) => onHost(t, fault(), { address: '169.254.169.254', port: 22 }),
  'weak-algorithms': named('s1-weak-algorithms'),
  'unreadable-key': async (t) => onHost(t, fault(), { auth: { kind: 'key', privateKey: 'no key at all' } }),
  'silent-sshd': named('s1-black-hole'),
  'reset-in-handshake': named('s1-resets-in-kex'),
  'new-password-wanted': named('s1-password-expired'),
  'lost-while-starting': async (t) => {
    const { rig, host } = await onHost(t, fault(), { sudo: 'nopasswd' });
    const begun = join(host.root, 'begun');
    await writeFile(join(host.root, 'bin/sudo'), `#!/bin/sh\n: > ${begun}\nsleep 600\n`, { mode: 0o755 });
    const connect = async () => {
      host.link.heal();
      await rm(begun, { force: true });
      const target: HostTarget = { ...host.target, sudo: 'nopasswd' };
      const connection = await connectHost(target, { policy: RIG_POLICY, keepalive: RIG_KEEPALIVE });
      void waitFor(() => existsSync(begun), { what: 'sudo to start' }).then(() => host.link.resetAll());
      return connection;
    };
    return { rig, overrides: { connect } };
  },
  'sudo-hangs': async (t) => {
    const { rig, host } = await onHost(t, fault(), { sudo: 'nopasswd' });
    await writeFile(join(host.root, 'bin/sudo'), '#!/bin/sh\nsleep 600\n', { mode: 0o755 });
    return { rig };
  },
  'lost-for-good': async (t) => {
    const { rig, host } = await onHost(t, fault({ act: 'seq 100; sleep 30' }));
    void waitFor(async () => (await rig.events()).some(({ type }) => type === 'step.output'), {
      what: 'output of the act',
    }).then(() => {
      host.link.refuse();
      host.link.resetAll();
    });
    return { rig };
  },
  // The parent of the act's shell is the runner that would note how it ended.
  'interrupted-thrice': acting('kill -KILL "$PPID"; kill -KILL $$'),
  'act-over-time': async (t) => onHost(t, fault({ act: 'sleep 60' }, 'test.fault-short')),
  'act-exits': acting('echo the bridge is out; exit 3'),
  'probe-fails': async (t) => onHost(t, fault({ probe: 'echo no such tool >&2; exit 2' })),
  'verify-sees-nothing': async (t) =>
    onHost(t, fault({ verify: 'fail verify-failed "/etc/motd has other content"' })),
  'forged-cause': acting('echo "siteplan-failure host-key-changed s1 showed another key"; exit 1'),
  'no-cluster-ca': async (t) => ({ ...(await onHost(t, pinnedPut)), overrides: PINNED }),
  'first-server-away': async (t) => {
    const { rig } = await onHost(t, pinnedPut, { port: await findFreePort() });
    return { rig, overrides: PINNED };
  },
  'another-cluster-ca': acting(
    `echo 'level=fatal msg="failed to validate token: token CA hash does not match the Cluster CA certificate hash: ab != cd"'; exit 1`,
  ),
  'secret-gone': async (t) => onHost(t, filePut),
  'unknown-step': async (t) => onHost(t, { nodeId: NODE, kind: 'test.unknown', params: {} }),
  'our-own-error': async (t) => ({
    ...(await onHost(t, fault())),
    overrides: { connect: () => Promise.reject(new Error('nobody foresaw this')) },
  }),
};

describe.concurrent('the fault matrix on fake hosts (I11)', () => {
  it.for(FAKE_FAULTS)('$id: $provoked', async (row, t) => {
    const { rig, overrides, after } = await PROVOKE[row.id](t);
    await expectFault(row, rig, overrides);
    await after?.();
  });
});
