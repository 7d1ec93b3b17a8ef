import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { NODES_LABEL_STAMP, nodesLabel } from './nodes-label';
import { findStepFailure } from './script-output';
import { PROBE_NEEDED, PROBE_SATISFIED } from './step-kind';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-label-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string, mode = 0o600): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}

/** Changes the lines of `nodes` as kubectl label and kubectl taint change Nodes, and tells each call to `calls`. */
const CHANGE = `
while [ "$1" != label ] && [ "$1" != taint ]; do shift; done
what=$1; shift 3
printf '%s %s\\n' "$what" "$*" >> "$at/calls"
if [ "$1" != node ]; then exit 1; fi
node=$2; shift 2
for change in "$@"; do
  key=\${change%-}
  effect=
  if [ "$what" = taint ]; then effect=:\${key##*:}; key=\${key%:*}; fi
  key=\${key%%=*}
  grep -v "^$what $node $key=.*$effect\\$" "$at/nodes" > "$at/new" || :
  case $change in *-) ;; *) echo "$what $node $change" >> "$at/new" ;; esac
  mv "$at/new" "$at/nodes"
done
if [ -e "$at/cut" ]; then kill -9 $PPID; fi
`;
const NODES = `node s1
label s1 kubernetes.io/hostname=s1
node a1
label a1 env=production
label a1 team=blue
taint a1 node.kubernetes.io/not-ready=:NoSchedule
`;
const taint = (key: string, effect: string, value = '') => ({ key, effect, value });
const drawn = (labels = {}, taints: object[] = []) => ({
  nodes: [
    { name: 'a1', labels, taints },
    { name: 's1', labels: {}, taints: [] },
  ],
  stamp: 'one',
});

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'labels and taints with $name',
  ({ shell }) => {
    const run = (part: 'probe' | 'act' | 'verify', params: object, overrides = {}) =>
      runStepPart(nodesLabel, part, { shell, root, params, overrides: { wait_s: '3', ...overrides } });
    const world = (nodes = NODES) => {
      put('etc/rancher/rke2/rke2.yaml', 'x');
      put('nodes', nodes);
      put('bin/sleep', '#!/bin/sh\n', 0o755);
      put(
        'var/lib/rancher/rke2/bin/kubectl',
        `#!/bin/sh
at='${root}'
if [ -e "$at/down" ]; then exit 1; fi
case "$*" in
*' get nodes -o go-template='*) cat "$at/nodes"; exit ;;
esac
${CHANGE}`,
        0o755,
      );
    };
    const nodes = () => readFileSync(join(root, 'nodes'), 'utf8').trim().split('\n').sort();
    const calls = () =>
      existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : [];
    const stamp = join('var/lib/siteplan-host/stamps', NODES_LABEL_STAMP);

    it('are set where they differ, in one call for each node, and then are so', async () => {
      world();
      const params = drawn({ env: 'edge', 'example.com/tier': '' }, [taint('gpu', 'NoExecute', 'yes')]);
      expect((await run('probe', params)).code).toBe(PROBE_NEEDED);
      const act = await run('act', params);
      expect(act).toMatchObject({ code: 0, stderr: '' });
      expect(calls()).toEqual([
        'label node a1 env=edge example.com/tier=',
        'taint node a1 gpu=yes:NoExecute',
      ]);
      expect(nodes()).toEqual([
        'label a1 env=edge',
        'label a1 example.com/tier=',
        'label a1 team=blue',
        'label s1 kubernetes.io/hostname=s1',
        'node a1',
        'node s1',
        'taint a1 gpu=yes:NoExecute',
        'taint a1 node.kubernetes.io/not-ready=:NoSchedule',
      ]);
      expect((await run('probe', params)).code).toBe(PROBE_SATISFIED);
      expect((await run('verify', params)).code).toBe(0);
      expect((await run('probe', { ...params, stamp: 'two' })).code).toBe(PROBE_NEEDED);
      expect((await run('act', params)).code).toBe(0);
      expect(calls()).toHaveLength(2);
    });

    it('go when the drawing drops what was set before, and only then', async () => {
      world();
      await run(
        'act',
        drawn({ env: 'edge', zone: 'z' }, [taint('a', 'NoSchedule'), taint('a', 'NoExecute')]),
      );
      await run('act', drawn({ zone: 'z' }, [taint('a', 'NoExecute')]));
      expect(nodes().filter((line) => line.includes(' a1'))).toEqual([
        'label a1 team=blue',
        'label a1 zone=z',
        'node a1',
        'taint a1 a=:NoExecute',
        'taint a1 node.kubernetes.io/not-ready=:NoSchedule',
      ]);
      // Somebody else sets it again: it is theirs now.
      put('nodes', `${nodes().join('\n')}\nlabel a1 env=theirs\n`);
      await run('act', drawn());
      expect(nodes().filter((line) => line.includes('label a1'))).toEqual([
        'label a1 env=theirs',
        'label a1 team=blue',
      ]);
    });

    it('are remembered before they are set, so that an act that was cut forgets none', async () => {
      world();
      await run('act', drawn({ old: 'x' }));
      put('cut', '');
      const cut = await run('act', drawn({ new: 'x' }));
      expect(cut.code).not.toBe(0);
      rmSync(join(root, 'cut'));
      expect((await run('act', drawn())).code).toBe(0);
      expect(nodes().filter((line) => /^label a1 (old|new)=/.test(line))).toEqual([]);
    });

    it('of a node that the drawing lacks stay as they are', async () => {
      world();
      await run('act', drawn({ mine: 'x' }));
      const alone = { nodes: [{ name: 's1', labels: {}, taints: [] }], stamp: 'two' };
      expect((await run('act', alone)).code).toBe(0);
      expect(nodes()).toContain('label a1 mine=x');
    });

    it.each([
      ['a node is not there', NODES.replaceAll('a1', 'xa1'), 'there is no Node a1'],
      ['the API says nothing', null, 'the API server does not list the nodes'],
    ])('wait, and fail in words, where %s', async (_what, found, words) => {
      world(found ?? NODES);
      if (found === null) put('down', '');
      const params = drawn({ env: 'edge' });
      expect((await run('probe', params)).stdout).toBe(`${words}\n`);
      const act = await run('act', params, { wait_s: '0' });
      expect(findStepFailure(act.stderr)?.message).toMatch(new RegExp(`^${words} after \\d+ s$`));
      expect(existsSync(join(root, stamp))).toBe(false);
      expect((await run('verify', params)).stderr).toContain(`siteplan-failure verify-failed ${words}`);
    });

    it('say which Node is not as drawn', async () => {
      world();
      expect((await run('probe', drawn({ env: 'edge' }))).stdout).toBe(
        'labels or taints of Node a1 are not as drawn\n',
      );
    });

    it('of the API are compared and never run or passed on', async () => {
      const evil =
        'label a1 $(touch marker)=*;`touch marker`\ntaint a1 --all=x:-\nlabel a1 mine=$(id)\n--\n--\nnode\n';
      world(NODES + evil);
      expect((await run('act', drawn({ mine: 'x' }))).code).toBe(0);
      expect((await run('act', { ...drawn(), stamp: 'two' })).code).toBe(0);
      expect(calls()).toEqual(['label node a1 mine=x', 'label node a1 mine-']);
      expect(existsSync(join(root, 'marker'))).toBe(false);
    });

    it('are looked at in one go for hundreds of nodes', async () => {
      const names = Array.from({ length: 500 }, (_, index) => `n${index}`);
      world(names.map((name) => `node ${name}\nlabel ${name} env=edge\n`).join(''));
      const many = names.map((name) => ({
        name,
        labels: { env: name === 'n499' ? 'x' : 'edge' },
        taints: [],
      }));
      expect((await run('act', { nodes: many, stamp: 'one' })).code).toBe(0);
      expect(calls()).toEqual(['label node n499 env=x']);
    });
  },
);
