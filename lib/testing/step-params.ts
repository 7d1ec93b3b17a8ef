import { userInfo } from 'node:os';
import type { StepKindName } from '@/lib/steps/catalogue';
import type { StepKind } from '@/lib/steps/step-kind';

/** The release that the parameters name. */
export const STEP_VERSION = 'v1.35.7+rke2r1';
const me = userInfo().username;
const stamped = { stampName: 'x', stamp: 'abc' };

/** Parameters of each kind that its schema takes; nothing of them is on any host. */
export const STEP_PARAMS: Readonly<Record<StepKindName, unknown>> = {
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
  'sysusers.apply': { path: '/a/b', ...stamped },
  'units.reload': { unit: 'siteplan-none.service', ...stamped },
  'artifact.fetch': { baseUrl: 'http://127.0.0.1:9', version: STEP_VERSION, arch: 'amd64', file: 'f' },
  'artifact.push': { version: STEP_VERSION, arch: 'amd64', file: 'f' },
  'images.place': { version: STEP_VERSION, arch: 'amd64', file: 'f' },
  'rke2.install': { version: STEP_VERSION, arch: 'amd64', role: 'server', dropsStamps: ['x'] },
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
  'rke2.ready': { nodeName: 's1', role: 'server', version: STEP_VERSION, voter: true, stamp: 'abc' },
  'rke2.uninstall': {},
};

/** Constants of the kinds, not parameters; they stand in arithmetic. */
export const STEP_CONSTANTS: Readonly<Record<string, string>> = {
  pause_s: '0',
  wait_s: '0',
  max_failures: '1',
};

/** The variables of a kind's scripts that hold values of somebody. */
export function listValueNames(kind: StepKind): string[] {
  const params = STEP_PARAMS[kind.kind as StepKindName]; // the catalogue's keys are its kinds (host.ssh.test.ts)
  return Object.keys(kind.toVariables(params)).filter((name) => !(name in STEP_CONSTANTS));
}
