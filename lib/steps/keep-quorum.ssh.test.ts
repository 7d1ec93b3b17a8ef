import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findFreePort } from '@/lib/testing/find-free-port';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { waitFor } from '@/lib/testing/wait-for';
import { findStepFailure } from './script-output';
import { serviceRestart } from './service-run';

const hasEtcd = ['etcd', 'etcdctl'].every(
  (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined,
);
const MEMBERS = ['s1-0a1b2c3d', 's2-4e5f6071', 's3-8293a4b5'];
const UNIT = 'rke2-server.service';

// The members are real; crictl and the certificates are not, because the containers of RKE2 are not here.
describe.skipIf(!hasEtcd)('a restart of one of three members of etcd', () => {
  let root = '';
  const etcds: ChildProcess[] = [];
  const ports: number[] = [];
  const put = (path: string, content: string, mode = 0o600) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode });
  };
  const signal = (name: string, what: NodeJS.Signals) => etcds[Number(name.slice(1)) - 1]?.kill(what);
  const isWell = () =>
    spawnSync('etcdctl', [`--endpoints=http://127.0.0.1:${ports[0]}`, 'endpoint', 'health', '--cluster'], {
      stdio: 'ignore',
    }).status === 0;
  const waitUntilWell = () =>
    waitFor(() => Promise.resolve(isWell()), { what: 'three members of etcd', timeoutMs: 60_000 });

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'siteplan-quorum-'));
    const free = new Set<number>();
    while (free.size < 6) free.add(await findFreePort());
    ports.push(...[...free].slice(0, 3));
    const peers = [...free].slice(3);
    const at = (port: number | undefined) => `http://127.0.0.1:${port}`;
    const cluster = MEMBERS.map((name, index) => `${name}=${at(peers[index])}`).join(',');
    MEMBERS.forEach((name, index) => {
      const [client, peer] = [at(ports[index]), at(peers[index])];
      const args = [
        ['--name', name, '--data-dir', join(root, name), '--initial-cluster', cluster],
        ['--listen-client-urls', client, '--advertise-client-urls', client],
        ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ];
      etcds.push(spawn('etcd', args.flat(), { stdio: 'ignore' }));
    });
    await waitUntilWell();
  });
  afterAll(() => {
    for (const etcd of etcds) etcd.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  });

  /** The unit is active; a restart gives it another invocation. Each call stands in `calls`. */
  beforeEach(() => {
    for (const left of ['calls', 'var/lib/siteplan-host']) {
      rmSync(join(root, left), { recursive: true, force: true });
    }
    put('invocation', 'first');
    put(
      'bin/systemctl',
      `#!/bin/sh
echo "$*" >> '${root}/calls'
case "$1" in
show) printf 'LoadState=loaded\\nActiveState=active\\nNRestarts=0\\nInvocationID=%s\\nJob=0\\nResult=success\\n' "$(cat '${root}/invocation')" ;;
restart) echo second > '${root}/invocation' ;;
is-enabled) echo enabled ;;
esac
`,
      0o755,
    );
    putCrictl('echo 0123456789ab');
  });
  const putCrictl = (ps: string) =>
    put(
      'var/lib/rancher/rke2/bin/crictl',
      `#!/bin/sh
case "$*" in
'ps -q --name ^etcd$ --state running') ${ps}; exit ;;
'exec 0123456789ab etcdctl --endpoints=https://127.0.0.1:2379 '*) ;;
*) exit 1 ;;
esac
shift 7
exec etcdctl --endpoints=http://127.0.0.1:${ports[0]} "$@"
`,
      0o755,
    );
  const restart = (params: object = {}, shell = findShells()[0] ?? (['sh'] as const)) =>
    runStepPart(serviceRestart, 'act', {
      shell,
      root,
      params: { unit: UNIT, stamp: 'new', keepsQuorumAs: 's1', ...params },
    });
  const wasRestarted = () => readFileSync(join(root, 'calls'), 'utf8').includes('restart --no-block');

  it('goes ahead while the others vote', async () => {
    expect(await restart()).toMatchObject({ code: 0, stderr: '' });
    expect(wasRestarted()).toBe(true);
  });

  it.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
    'is refused while another one is silent, in $name; and goes ahead once that one is back',
    async ({ shell }) => {
      signal('s2', 'SIGSTOP');
      const refused = await restart({}, shell);
      expect(findStepFailure(refused.stderr)).toEqual({
        code: 'quorum-at-risk',
        message: 's2 is not answering; restarting s1 would leave 1 of 3',
      });
      expect(wasRestarted()).toBe(false);
      expect(existsSync(join(root, 'var/lib/siteplan-host'))).toBe(false);
      signal('s2', 'SIGCONT');
      await waitUntilWell();
      expect((await restart({}, shell)).code).toBe(0);
    },
  );

  it('is not refused half way, nor where it takes no vote away, nor where the plan asks for no such look', async () => {
    signal('s2', 'SIGSTOP');
    put(`var/lib/siteplan-host/starting/${UNIT}`, 'new first\n');
    put('invocation', 'second');
    const again = await restart();
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain('is already starting with this configuration');
    expect(wasRestarted()).toBe(false);
    expect((await restart({ keepsQuorumAs: null, stamp: 'newer' })).code).toBe(0);
    putCrictl('true');
    expect((await restart({ stamp: 'newest' })).stdout).toContain('etcd does not run on s1');
    signal('s2', 'SIGCONT');
    await waitUntilWell();
  });

  it('is refused where nobody can be asked, or quorum is lost already', async () => {
    putCrictl('exit 1');
    expect(findStepFailure((await restart()).stderr)?.code).toBe('quorum-at-risk');
    putCrictl('echo 0123456789ab');
    for (const name of ['s2', 's3']) signal(name, 'SIGSTOP');
    // Releases of etcd differ: before 3.5 members are told without quorum too.
    expect(findStepFailure((await restart()).stderr)).toMatchObject({
      code: 'quorum-at-risk',
      message: expect.stringMatching(
        /^(s2, s3 are not answering; restarting s1 would leave 0 of 3|etcd on s1 does not say .*)$/,
      ),
    });
    expect(wasRestarted()).toBe(false);
  });
});
