import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { READY_STAMP, rke2Ready } from './rke2-ready';
import { findStepFailure, parseStepOutputs } from './script-output';
import { PROBE_NEEDED, PROBE_SATISFIED } from './step-kind';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-ready-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string, mode = 0o600): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}

const version = 'v1.35.7+rke2r1';
const params = { nodeName: 's2', role: 'server', version, voter: true, stamp: 'abc' };

/** A node that is there and was Ready all the time; its kubelet has spoken one second after the unit came up. */
const WELL = {
  active: 'active',
  entered: 'Tue 2026-11-24 05:06:07 UTC',
  healthz: 'ok',
  readyz: 'ok',
  node: `Ready=True EtcdIsVoter=True version=${version} `,
  renewed: '2026-11-24T05:06:08.123456Z',
};
const OLD_LEASE = '2026-11-24T05:06:07.999999Z';

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'a node that shall be Ready, with $name',
  ({ shell }) => {
    const run = (part: 'probe' | 'act' | 'verify', more: object = {}, overrides = {}) =>
      runStepPart(rke2Ready, part, { shell, root, params: { ...params, ...more }, overrides });
    const world = (more: Partial<typeof WELL> = {}) => {
      const now = { ...WELL, ...more };
      for (const config of ['etc/rancher/rke2/rke2.yaml', 'var/lib/rancher/rke2/agent/kubelet.kubeconfig'])
        put(config, 'x');
      put('lease', now.renewed);
      const unit = `ActiveState=${now.active}\nActiveEnterTimestamp=${now.entered}\n`;
      put(
        'bin/systemctl',
        `#!/bin/sh
case "$1 $TZ" in
'show UTC0') printf '${unit}' ;;
'is-active '*) echo '${now.active}' ;;
*) exit 1 ;;
esac
`,
        0o755,
      );
      put(
        'var/lib/rancher/rke2/bin/kubectl',
        `#!/bin/sh
case "$*" in
'--kubeconfig /dev/null --server http://127.0.0.1:10248 '*' get --raw=/healthz') printf '%s' '${now.healthz}' ;;
*' get --raw=/readyz') printf '%s' '${now.readyz}' ;;
*' get node -o jsonpath='*' -- s2') printf '%s' '${now.node}' ;;
*' -n kube-node-lease get lease -o jsonpath={.spec.renewTime} -- s2') cat '${root}/lease' ;;
*) exit 1 ;;
esac
`,
        0o755,
      );
    };

    it('is Ready once its kubelet answers and has renewed its lease since the unit became active', async () => {
      world();
      expect((await run('probe')).code).toBe(PROBE_NEEDED);
      expect(await run('act')).toMatchObject({ code: 0, stderr: '' });
      expect((await run('probe')).code).toBe(PROBE_SATISFIED);
      const outputs = { node: 's2', node_ready: 'True', version };
      expect(parseStepOutputs((await run('verify')).stdout)).toEqual(outputs);
    });

    it.each([
      ['its kubelet hangs', { healthz: '' }, 'the kubelet of s2 does not answer /healthz with ok'],
      [
        'its lease is of the life before',
        { renewed: OLD_LEASE },
        's2 has not renewed its lease since rke2-server.service became active',
      ],
      [
        'its lease is no time',
        { renewed: '$(touch marker)' },
        's2 has not renewed its lease since rke2-server.service became active',
      ],
      ['its unit is starting', { active: 'activating' }, 'rke2-server.service is activating'],
      ['its unit never was active', { entered: 'n/a' }, 'rke2-server.service is active'],
      [
        'it is a learner',
        { node: WELL.node.replace('EtcdIsVoter=True', 'EtcdIsVoter=False') },
        's2 is not a voting etcd member yet',
      ],
      [
        'another version runs',
        { node: WELL.node.replace('v1.35.7', 'v1.35.6') },
        `Node s2 does not run ${version} yet`,
      ],
    ])('is not where %s, though its Node says Ready', async (_what, more, words) => {
      world(more);
      const act = await run('act', {}, { wait_s: '0' });
      expect(findStepFailure(act.stderr)?.message.replace(/\d+ s$/, 'N s')).toBe(`${words} after N s`);
      for (const name of ['marker', `var/lib/siteplan-host/stamps/${READY_STAMP}`])
        expect(existsSync(join(root, name))).toBe(false);
      put(`var/lib/siteplan-host/stamps/${READY_STAMP}`, 'abc\n');
      expect((await run('verify')).stderr).toContain(`siteplan-failure verify-failed ${words}`);
    });

    it('is asked on an agent with its kubelet’s own kubeconfig, and not for a vote', async () => {
      world({ readyz: '', node: `Ready=True version=${version} ` });
      rmSync(join(root, 'etc/rancher/rke2/rke2.yaml'));
      expect(await run('act', { role: 'agent', voter: false })).toMatchObject({ code: 0, stderr: '' });
    });

    it('is waited for until the lease is new', async () => {
      world({ renewed: OLD_LEASE });
      put('bin/sleep', `#!/bin/sh\nprintf %s '${WELL.renewed}' > '${root}/lease'\n`, 0o755);
      expect((await run('act')).code).toBe(0);
    });
  },
);
