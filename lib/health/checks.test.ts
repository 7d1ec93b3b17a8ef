import { describe, expect, it } from 'vitest';
import { makeFacts } from '@/lib/testing/make-facts';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import type { Topology } from '@/lib/topology/topology';
import { Topology as TopologySchema } from '@/lib/topology/topology';
import { SecretId } from '@/lib/core/ids';
import { CHECKS, checkHosts } from './checks';
import type { CheckStatus } from './check-definition';
import type { NodeFacts } from './facts';

function makeTopology(count: number): Topology {
  const hosts = Array.from({ length: count }, (_, index) => ({
    id: `n-${index + 1}`,
    internalIp: `192.0.2.${11 + index}`,
  }));
  return TopologySchema.parse({
    ...toDefaultTopology('custom', hosts),
    security: { serverToken: { id: SecretId.parse('sec-join'), version: 1 } },
  });
}

const one = makeTopology(1);
const factsOf = (topology: Topology) => topology.nodes.map((node) => makeFacts(topology, node));
const unit = (active: string, enabled = 'enabled') => ({ load: 'loaded', active, enabled });

/** One way to fail each check, with what the cell then says. */
const BROKEN: Readonly<Record<string, readonly [Partial<NodeFacts>, CheckStatus, string]>> = {
  architecture: [{ arch: 'riscv64' }, 'fail', 'riscv64'],
  systemd: [{ hasSystemd: false }, 'fail', 'not running'],
  kernel: [{ kernel: '5.4.0-1-amd64' }, 'fail', '5.4.0-1-amd64'],
  cpus: [{ cpus: 1 }, 'fail', '1'],
  memory: [{ memoryMiB: 2_048 }, 'fail', '2.0 GiB'],
  disk: [{ dataFreeGiB: 3.5 }, 'fail', '3.5 GiB'],
  swap: [{ swapMiB: 512 }, 'warn', '512 MiB'],
  clock: [{ clockOffsetMs: -90_000 }, 'fail', '90.0 s off'],
  tools: [{ missingTools: ['ip', 'tar'] }, 'fail', 'missing: ip, tar'],
  hostname: [{ hostname: 'My_Host' }, 'warn', 'My_Host'],
  'machine-id': [{ machineId: '' }, 'warn', 'none'],
  leftovers: [{ hasEtcdData: true }, 'fail', 'etcd data of another cluster'],
  'drop-ins': [{ dropIns: ['50-old.yaml'] }, 'warn', '50-old.yaml'],
  selinux: [{ selinux: 'enforcing' }, 'fail', 'enforcing'],
  'node-ip': [
    { addresses: [{ interface: 'eth0', address: '192.0.2.99', prefix: 24 }] },
    'fail',
    'on no interface',
  ],
  'default-route': [{ hasDefaultRoute: false }, 'fail', 'none'],
  resolver: [{ resolvers: ['127.0.0.53'] }, 'warn', '127.0.0.53'],
  ports: [
    { listening: [{ protocol: 'tcp', address: '0.0.0.0', port: 6443, process: 'haproxy' }] },
    'fail',
    '6443 (haproxy)',
  ],
  firewall: [{ units: { 'firewalld.service': unit('active') } }, 'warn', 'firewalld.service'],
  'nm-cloud-setup': [{ units: { 'nm-cloud-setup.timer': unit('inactive') } }, 'fail', 'nm-cloud-setup.timer'],
};

describe('checks', () => {
  it('all pass on a host that meets them, without a fix', () => {
    const cells = checkHosts(one, factsOf(one));
    expect(cells.map(({ checkId }) => checkId)).toEqual(CHECKS.map(({ id }) => id));
    expect(cells.filter(({ status, fix }) => status !== 'ok' || fix !== '')).toEqual([]);
  });

  it('each have a way to fail here', () => {
    expect(Object.keys(BROKEN).sort()).toEqual(CHECKS.map(({ id }) => id).sort());
  });

  it.each(Object.entries(BROKEN))('%s fails alone, with why and fix', (checkId, [more, status, value]) => {
    const [facts] = factsOf(one);
    if (!facts) throw new Error('one node');
    const cells = checkHosts(one, [{ ...facts, ...more }]);
    const bad = cells.filter((cell) => cell.status !== 'ok');
    expect(bad.map((cell) => cell.checkId)).toEqual([checkId]);
    expect(bad[0]).toMatchObject({ status, value });
    expect(bad[0]?.why).toMatch(/\.$/);
    expect(bad[0]?.fix).not.toBe('');
  });

  it.each<[string, Partial<NodeFacts>, string, CheckStatus]>([
    ['two cores', { cpus: 2 }, 'cpus', 'warn'],
    ['four cores', { cpus: 4 }, 'cpus', 'ok'],
    ['a machine of 4 GB', { memoryMiB: 3_900 }, 'memory', 'warn'],
    ['a machine of 8 GB', { memoryMiB: 7_700 }, 'memory', 'ok'],
    ['15 GiB free', { dataFreeGiB: 15 }, 'disk', 'warn'],
    ['the kernel of RHEL 8', { kernel: '4.18.0-553.el8_10.x86_64' }, 'kernel', 'ok'],
    ['kernel 6.1', { kernel: '6.1.0' }, 'kernel', 'ok'],
    ['5 s off', { clockOffsetMs: 5_000 }, 'clock', 'warn'],
    ['only iptables missing', { missingTools: ['iptables'] }, 'tools', 'warn'],
    [
      'our own etcd data',
      { hasEtcdData: true, stamps: { 'rke2-install': 'v1.35.7+rke2r1' } },
      'leftovers',
      'ok',
    ],
    [
      'our own older RKE2',
      { rke2Version: 'v1.34.1+rke2r1', stamps: { 'rke2-install': 'v1.34.1+rke2r1' } },
      'leftovers',
      'ok',
    ],
    ['an RKE2 of somebody', { rke2Version: 'v1.34.1+rke2r1' }, 'leftovers', 'warn'],
    ['k3s', { units: { 'k3s.service': unit('inactive') } }, 'leftovers', 'fail'],
    ['SELinux with the policy', { selinux: 'enforcing with rke2-selinux' }, 'selinux', 'ok'],
    [
      'a port that etcd holds',
      { listening: [{ protocol: 'tcp', address: '::', port: 2379, process: 'etcd' }] },
      'ports',
      'ok',
    ],
    [
      'a port of another protocol',
      { listening: [{ protocol: 'udp', address: '::', port: 6443, process: 'x' }] },
      'ports',
      'ok',
    ],
    ['no ss', { missingTools: ['ss'] }, 'ports', 'warn'],
    ['a resolver behind resolved', { resolvers: ['127.0.0.53', '192.0.2.1'] }, 'resolver', 'ok'],
  ])('%s', (_what, more, checkId, status) => {
    const [facts] = factsOf(one);
    if (!facts) throw new Error('one node');
    const cell = checkHosts(one, [{ ...facts, ...more }]).find((candidate) => candidate.checkId === checkId);
    expect(cell?.status).toBe(status);
  });

  it('compare hosts: names, machine ids, clocks', () => {
    const three = makeTopology(3);
    const facts = factsOf(three).map((node, index) => ({
      ...node,
      hostname: index === 2 ? 'c' : 'same',
      machineId: index === 2 ? 'c' : 'clone',
      clockOffsetMs: index === 2 ? 0 : 60_000,
    }));
    const bad = checkHosts(three, facts).filter(({ status }) => status !== 'ok');
    expect(bad.map(({ nodeId, checkId, status }) => `${nodeId} ${checkId} ${status}`)).toEqual([
      'n-1 hostname warn',
      'n-1 machine-id fail',
      'n-2 hostname warn',
      'n-2 machine-id fail',
      'n-3 clock fail',
    ]);
  });

  it('leave out a host whose facts are not known', () => {
    const two = makeTopology(2);
    expect(new Set(checkHosts(two, factsOf(two).slice(1)).map(({ nodeId }) => nodeId))).toEqual(
      new Set(['n-2']),
    );
  });
});
