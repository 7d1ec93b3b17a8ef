import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { CLUSTER_VERIFY_STAMP, clusterVerify } from './cluster-verify';
import { findStepFailure, parseStepOutputs } from './script-output';
import { PROBE_NEEDED, PROBE_SATISFIED } from './step-kind';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-cluster-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string, mode = 0o600): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}

const NODES = `s1 Ready=True EtcdIsVoter=True 
s2 MemoryPressure=False Ready=True EtcdIsVoter=True 
s11 Ready=False EtcdIsVoter=False 
a1 Ready=True 
`;
const params = {
  nodes: [
    { name: 's1', role: 'server' },
    { name: 's2', role: 'server' },
    { name: 'a1', role: 'agent' },
  ],
  apiUrl: 'https://192.0.2.10:6443',
  stamp: 'abc',
};

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'the whole cluster with $name',
  ({ shell }) => {
    const run = (part: 'probe' | 'act' | 'verify', more: object = {}, overrides = {}) =>
      runStepPart(clusterVerify, part, { shell, root, params: { ...params, ...more }, overrides });
    /**
     * A kubectl that knows these nodes, each with a lease of `ageS` seconds, and answers /readyz at the fixed address with
     * `readyz`.
     */
    const world = (nodes = NODES, readyz = 'ok', ageS: (name: string) => number = () => 5) => {
      put('etc/rancher/rke2/rke2.yaml', 'x');
      put('nodes', nodes);
      const names = nodes.split('\n').map((line) => line.split(' ')[0] ?? '');
      const renewed = (name: string) => new Date(Date.now() - ageS(name) * 1_000).toISOString();
      put('leases', names.map((name) => `${name} ${renewed(name).replace('Z', '000Z')}\n`).join(''));
      put(
        'var/lib/rancher/rke2/bin/kubectl',
        `#!/bin/sh
case "$*" in
*' get nodes -o jsonpath='*) cat '${root}/nodes' ;;
*' -n kube-node-lease get leases -o jsonpath='*) cat '${root}/leases' ;;
*'--server https://192.0.2.10:6443 '*'--raw=/readyz'*) if [ '${readyz}' = ok ]; then printf ok; else echo '${readyz}' >&2; exit 1; fi ;;
*) exit 1 ;;
esac
`,
        0o755,
      );
    };

    it('is whole when all nodes are Ready, all servers vote and the API answers at its fixed address', async () => {
      world();
      expect((await run('probe')).code).toBe(PROBE_NEEDED);
      const act = await run('act');
      expect(act).toMatchObject({ code: 0, stderr: '' });
      expect(act.stdout).toBe('all 3 nodes are Ready and the API answers at https://192.0.2.10:6443\n');
      expect((await run('probe')).code).toBe(PROBE_SATISFIED);
      expect(parseStepOutputs((await run('verify')).stdout)).toEqual({ api_url: params.apiUrl });
      expect((await run('probe', { stamp: 'new' })).code).toBe(PROBE_NEEDED);
      world(NODES.replace('a1 Ready=True', 'a1 Ready=Unknown'));
      expect((await run('verify')).stderr).toContain('siteplan-failure verify-failed Node a1 is not Ready');
    });

    it.each([
      ['a node is not there', NODES.replace('a1 ', 'a12 '), 'ok', 'there is no Node a1'],
      ['a name is only the end of another', NODES.replace('a1 ', 'xa1 '), 'ok', 'there is no Node a1'],
      [
        'a node is not Ready',
        NODES.replace('Ready=True EtcdIsVoter=True \ns2', 'Ready=False \ns2'),
        'ok',
        'Node s1 is not Ready',
      ],
      [
        'a server is a learner',
        NODES.replace(
          's2 MemoryPressure=False Ready=True EtcdIsVoter=True',
          's2 Ready=True EtcdIsVoter=False',
        ),
        'ok',
        's2 is no voting etcd member',
      ],
      [
        'a server does not say that it votes',
        NODES.replace('Ready=True EtcdIsVoter=True \ns11', 'Ready=True \ns11'),
        'ok',
        's2 is no voting etcd member',
      ],
      ['there are no nodes', '', 'ok', 'there is no Node s1'],
      [
        'the certificate lacks the address',
        NODES,
        'x509: certificate is valid for 10.43.0.1, not 192.0.2.10',
        'the API server does not answer /readyz with ok at https://192.0.2.10:6443',
      ],
    ])('is not where %s', async (_what, nodes, readyz, words) => {
      world(nodes, readyz);
      expect((await run('probe')).stdout).toBe(`${words}\n`);
      const act = await run('act', {}, { wait_s: '0' });
      expect(findStepFailure(act.stderr)?.message).toMatch(
        new RegExp(`^${words.replaceAll('.', '\\.')} after \\d+ s$`),
      );
      expect(act.stdout).toContain(readyz === 'ok' ? '' : readyz);
      expect(existsSync(join(root, 'var/lib/siteplan-host/stamps', CLUSTER_VERIFY_STAMP))).toBe(false);
    });

    it('is not where a node is silent, though its Node still says Ready', async () => {
      world(NODES, 'ok', (name) => (name === 'a1' ? 60 : 30));
      const words = 'Node a1 has not renewed its lease for 40 s';
      expect((await run('probe')).stdout).toBe(`${words}\n`);
      expect((await run('act', {}, { wait_s: '0' })).stderr).toContain(words);
      for (const lease of ['a1 \n', 'a1 soon\n', '']) {
        world();
        put('leases', readFileSync(join(root, 'leases'), 'utf8').replace(/^a1 .*\n/m, lease));
        expect((await run('probe')).stdout, lease).toBe(`${words}\n`);
      }
      // A clock that is ahead is no silence.
      world(NODES, 'ok', () => -300);
      expect((await run('act')).code).toBe(0);
    });

    it('asks nobody for votes where there is one server, and other nodes do not matter', async () => {
      world('s1 Ready=True \nstranger Ready=False \n');
      const one = { nodes: [{ name: 's1', role: 'server' }] };
      expect((await run('act', one)).code).toBe(0);
      expect((await run('probe', one)).code).toBe(PROBE_SATISFIED);
    });

    it('waits until it is whole', async () => {
      world(NODES.replace('a1 Ready=True', 'a1 Ready=False'));
      put('bin/sleep', `#!/bin/sh\nsed -i s/Ready=False/Ready=True/ '${root}/nodes'\n`, 0o755);
      expect((await run('act')).code).toBe(0);
    });

    it('is asked of hundreds of nodes in one go', async () => {
      const names = Array.from({ length: 600 }, (_, index) => `n${index}`);
      world(names.map((name) => `${name} Ready=True \n`).join(''));
      const nodes = names.map((name) => ({ name, role: 'agent' }));
      expect((await run('act', { nodes })).stdout).toContain('all 600 nodes are Ready');
      world(names.map((name) => `${name} Ready=${name === 'n599' ? 'False' : 'True'} \n`).join(''));
      expect((await run('verify', { nodes })).stderr).toContain('Node n599 is not Ready');
      expect(readFileSync(join(root, 'nodes'), 'utf8')).toContain('n599');
    });
  },
);
