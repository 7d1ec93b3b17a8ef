import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl, startLabCluster, type LabCluster } from '@/e2e/lab/rke2/lab-cluster';
import { checkLabSupport } from '@/e2e/lab/support';
import { toShellAssignments } from '@/lib/core/shell-quote';
import { rke2Ready } from '@/lib/steps/rke2-ready';
import { findStepFailure } from '@/lib/steps/script-output';
import { serviceRestart } from '@/lib/steps/service-run';
import type { StepKind } from '@/lib/steps/step-kind';

const unit = 'rke2-server.service';

describe.skipIf(checkLabSupport() !== null)('a restart among three servers', () => {
  let on: LabCluster;
  const act = async (host: string, kind: StepKind, params: object, overrides = {}) => {
    const variables = { ...kind.toVariables(params), ...overrides };
    const command = toShellAssignments(variables) + kind.act;
    return on.lab.exec(host, ['sh', '-c', command], { timeoutMs: 200_000 });
  };
  const restart = (host: string, stamp: string) =>
    act(host, serviceRestart, { unit, stamp, keepsQuorumAs: host });
  const isReadyIn = async (host: string, waitS: number) => {
    const params = { nodeName: host, role: 'server', version: 'v1.35.7+rke2r1', voter: true, stamp: 'abc' };
    return act(host, rke2Ready, params, { wait_s: String(waitS) });
  };

  beforeAll(async () => {
    on = await startLabCluster(
      'restart',
      ['s1', 's2', 's3'].map((name) => ({ name })),
    );
    const lines = ['token: lab-token', 'cni: cilium'];
    await on.start('s1', 'server', lines);
    await on.waitForNode('s1', 'server', 's1');
    for (const name of ['s2', 's3']) {
      await on.start(name, 'server', [...lines, `server: https://${on.addressOf('s1')}:9345`]);
      await on.waitForNode(name, 'server', 's1');
    }
    for (const name of ['s1', 's2', 's3']) {
      expect(await isReadyIn(name, 60), name).toMatchObject({ code: 0, stderr: '' });
    }
  });
  afterAll(() => on?.lab.stop());

  it('is not believed by what the Node still says: a kubelet that hangs right after it is found', async () => {
    expect(await restart('s2', 'first')).toMatchObject({ code: 0, stderr: '' });
    await on.shell('s2', 'pkill -STOP -x kubelet');
    const [ready, voter] = ['Ready', 'EtcdIsVoter'].map(
      (type) => `{.status.conditions[?(@.type=="${type}")].status}`,
    );
    const said = await on.shell('s2', `${kubectl} get node s2 -o jsonpath='${ready} ${voter}'`);
    expect(said.stdout).toBe('True True');
    const refused = await isReadyIn('s2', 3);
    expect(findStepFailure(refused.stderr)?.message).toMatch(
      /^(the kubelet of s2 does not answer \/healthz with ok|s2 has not renewed its lease since \S+ became active) after \d+ s$/,
    );
    await on.shell('s2', 'pkill -CONT -x kubelet');
    expect(await isReadyIn('s2', 60)).toMatchObject({ code: 0, stderr: '' });
  });

  it('is asked for only while the others vote, by what etcd itself says', async () => {
    await on.shell('s2', 'pkill -STOP -x etcd');
    const refused = await restart('s1', 'second');
    expect(findStepFailure(refused.stderr), refused.stderr).toEqual({
      code: 'quorum-at-risk',
      message: 's2 is not answering; restarting s1 would leave 1 of 3',
    });
    await on.shell('s2', 'pkill -CONT -x etcd');
    await on.waitForShell('s1', `${kubectl} get --raw=/readyz`);
    expect(await restart('s1', 'second')).toMatchObject({ code: 0, stderr: '' });
    expect(await isReadyIn('s1', 60)).toMatchObject({ code: 0, stderr: '' });
  });
});
