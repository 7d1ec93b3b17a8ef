import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { STEP_KINDS } from './catalogue';
import type { StepKindName } from './catalogue';

const version = 'v1.35.7+rke2r1';
const me = userInfo().username;
const stamped = { stampName: 'x', stamp: 'abc' };

/** Parameters of each kind that its schema takes. */
const PARAMS: Readonly<Record<StepKindName, unknown>> = {
  'file.put': {
    path: '/a/b',
    mode: '0600',
    owner: me,
    group: me,
    content: 'x',
    secrets: [],
    dropsStamps: ['x'],
  },
  'file.remove': { path: '/a/b', dropsStamps: ['x'] },
  'sysctl.apply': { path: '/a/b', ...stamped },
  'modules.load': { path: '/a/b', ...stamped },
  'artifact.fetch': { baseUrl: 'http://127.0.0.1:9', version, arch: 'amd64', file: 'f' },
  'images.place': { version, arch: 'amd64', file: 'f' },
  'rke2.install': { version, arch: 'amd64', role: 'server', dropsStamps: ['x'] },
  'service.start': { unit: 'siteplan-none.service', stamp: 'abc' },
  'service.restart': { unit: 'siteplan-none.service', stamp: 'abc' },
  'service.reload': { unit: 'siteplan-none.service', ...stamped },
  'service.stop': { unit: 'siteplan-none.service', dropsStamps: ['x'] },
  'lb.packages': { keepalived: true },
  'lb.put': {
    program: 'keepalived',
    path: '/a/b',
    mode: '0600',
    owner: me,
    group: me,
    content: 'x',
    secrets: [],
    dropsStamps: ['x'],
  },
  'lb.ready': { vip: '192.0.2.10', stamp: 'abc' },
  'cluster.verify': {
    nodes: [{ name: 's1', role: 'server' }],
    apiUrl: 'https://192.0.2.10:6443',
    stamp: 'abc',
  },
  'nodes.label': { nodes: [{ name: 's1', labels: { a: 'b' } }], stamp: 'abc' },
  'rke2.ready': { nodeName: 's1', role: 'server', version, voter: true, stamp: 'abc' },
  'rke2.uninstall': {},
};

/** Constants of the kinds, not parameters; they stand in arithmetic. */
const CONSTANTS: Readonly<Record<string, string>> = { pause_s: '0', wait_s: '0', max_failures: '1' };

const HOSTILE = [
  '$(touch marker)',
  '`touch marker`',
  `'; touch marker; '`,
  '"; touch marker; "',
  'x; touch marker; #',
  'a\ntouch marker\n',
  '| touch marker',
  '&& touch marker &',
  'a[$(touch marker)]',
  '-oProxyCommand=touch marker',
  '--checkpoint-action=exec=touch marker',
  '${IFS}touch${IFS}marker',
  '*',
];

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-hostile-'));
  for (const path of [
    'a/b',
    'var/lib/siteplan-host/stamps/x',
    `var/lib/siteplan-host/artifacts/${version}/f`,
  ]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), 'kernel.x = 1\n');
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A hostile value stands in a path below the root, so that a part of it cannot lead out by being relative. */
function toOverride(name: string, value: string): string {
  return name === 'path' ? `/a/${value}` : value;
}

describe.each(Object.values(STEP_KINDS).map((kind) => ({ name: kind.kind as StepKindName, kind })))(
  '$name', // the catalogue's keys are its kinds (host.ssh.test.ts)
  ({ name, kind }) => {
    const names = Object.keys(kind.toVariables(PARAMS[name])).filter((variable) => !(variable in CONSTANTS));
    const parts = ['probe', 'act', 'verify'] as const;

    it('takes every variable as data, alone and all at once, in every shell', async () => {
      const alone = names.map((variable) => ({ [variable]: toOverride(variable, HOSTILE.join('\n')) }));
      const together = HOSTILE.map((value) =>
        Object.fromEntries(names.map((variable) => [variable, toOverride(variable, value)])),
      );
      for (const [index, overrides] of [...alone, ...together].entries()) {
        const shells = findShells();
        const shell = shells[index % shells.length] ?? shells[0];
        if (!shell) throw new Error('there is a shell');
        for (const part of parts) {
          const result = await runStepPart(kind, part, {
            shell,
            root,
            params: PARAMS[name],
            overrides: { ...overrides, ...CONSTANTS },
          });
          expect([0, 1, 2, 10, 22, 126, 127], result.stderr).toContain(result.code);
        }
      }
      const made = [join(root, 'marker'), '/marker', '/root/marker', '/tmp/marker'].filter((path) =>
        existsSync(path),
      );
      expect(made).toEqual([]);
    });
  },
);
