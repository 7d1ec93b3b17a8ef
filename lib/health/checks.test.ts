import { describe, expect, it } from 'vitest';
import { exampleLayout } from '@/lib/testing/example-layout';
import { configured, factsOf, makeTopology, OURS, RUNNING, unit } from '@/lib/testing/check-site';
import { makeFacts } from '@/lib/testing/make-facts';
import { makeSurvey } from '@/lib/testing/make-survey';
import { Topology } from '@/lib/topology/topology';
import { CHECKS, checkHosts, type CheckReadings } from './checks';
import { CHECK_GROUPS, type CheckStatus, type DiskSpeed } from './check-definition';
import type { NodeFacts } from './facts';
import type { HostSurvey } from './survey';

const one = makeTopology(1);
const edge = Topology.parse({ ...one, edge: { tailscale: { enabled: true, tags: ['tag:edge'] } } });
const pushed = Topology.parse({ ...one, rke2: { artifacts: { from: 'pushed' } } });
const cis = Topology.parse({ ...one, security: { ...one.security, cisProfile: true } });
const FAST: DiskSpeed = { writes: 1_000, p99Ms: 1.2, maxMs: 3, isUpperBound: false };
const NOW = Date.parse('2026-11-23T00:00:00Z');
const tailnet = (more: object = {}) => ({
  backendState: 'Running',
  addresses: ['100.64.0.1'],
  tags: ['tag:edge'],
  keyExpiry: null,
  ...more,
});

interface Change {
  readonly facts?: Partial<NodeFacts>;
  readonly survey?: Partial<HostSurvey>;
  readonly topology?: Topology;
  readonly diskSpeed?: DiskSpeed;
}

/** The cells of the first node of a topology whose hosts meet everything, after a change. */
function checkOne({ facts, survey, topology = one, diskSpeed = FAST }: Change, more: CheckReadings = {}) {
  const all = factsOf(topology).map((own, index) => (index === 0 ? { ...own, ...facts } : own));
  const surveys = new Map(
    topology.nodes.map((node, index) => [node.id as string, makeSurvey(node, index === 0 ? survey : {})]),
  );
  const diskSpeeds = new Map([[topology.nodes[0]?.id ?? '', diskSpeed]]);
  const cells = checkHosts(topology, all, { surveys, diskSpeeds, nowMs: NOW, ...more });
  return cells.filter(({ nodeId }) => nodeId === topology.nodes[0]?.id);
}

/** One way to fail each check that looks at one host, with what the cell then says. */
const BROKEN: Readonly<Record<string, readonly [Change, CheckStatus, string]>> = {
  architecture: [{ facts: { arch: 'riscv64' } }, 'fail', 'riscv64'],
  systemd: [{ facts: { hasSystemd: false } }, 'fail', 'not running'],
  kernel: [{ facts: { kernel: '5.4.0-1-amd64' } }, 'fail', '5.4.0-1-amd64'],
  'kernel-modules': [
    { survey: { modules: { overlay: 'there', br_netfilter: 'there', vxlan: 'missing' } } },
    'fail',
    'missing: vxlan',
  ],
  cpus: [{ facts: { cpus: 1 } }, 'fail', '1'],
  memory: [{ facts: { memoryMiB: 2_048 } }, 'fail', '2.0 GiB'],
  disk: [{ facts: { dataFreeGiB: 3.7 } }, 'fail', '3.5 GiB'],
  'disk-size': [{ survey: { dataTotalGiB: 30 } }, 'warn', '30 GiB'],
  'disk-kind': [{ survey: { isRotational: true } }, 'warn', 'rotational'],
  'disk-sync': [{ diskSpeed: { ...FAST, p99Ms: 700 } }, 'fail', 'over 512 ms'],
  mount: [
    {
      survey: { dataMount: { path: '/var', source: '/dev/sdb1', fsType: 'xfs', options: ['rw', 'noexec'] } },
    },
    'fail',
    'noexec at /var',
  ],
  swap: [{ facts: { swapMiB: 512 } }, 'warn', '512 MiB'],
  clock: [{ facts: { clockOffsetMs: -90_300 } }, 'fail', '90.0 s off'],
  'clock-sync': [{ survey: { ntp: 'not synchronised' } }, 'warn', 'not synchronised'],
  tools: [{ facts: { missingTools: ['ip', 'tar'] } }, 'fail', 'missing: ip, tar'],
  hostname: [{ facts: { hostname: 'My_Host' } }, 'warn', 'My_Host'],
  'machine-id': [{ facts: { machineId: '' } }, 'warn', 'none'],
  leftovers: [{ facts: { hasEtcdData: true } }, 'fail', 'etcd data of another cluster'],
  'drop-ins': [{ facts: { dropIns: ['50-old.yaml'] } }, 'warn', '50-old.yaml'],
  selinux: [{ facts: { selinux: 'enforcing' } }, 'fail', 'enforcing'],
  inotify: [
    {
      facts: {
        files: {
          '/etc/sysctl.d/90-siteplan-rke2.conf': { mode: '0644', owner: 'root', group: 'root', content: '' },
        },
      },
      survey: { sysctls: { 'fs.inotify.max_user_instances': '128' } },
    },
    'warn',
    'max_user_instances 128',
  ],
  cis: [
    {
      topology: cis,
      facts: {
        files: {
          '/etc/sysusers.d/siteplan-etcd.conf': { mode: '0644', owner: 'root', group: 'root', content: '' },
        },
      },
      survey: { hasEtcdUser: false },
    },
    'fail',
    'no user etcd',
  ],
  images: [{ survey: { images: ['rke2-images.linux-amd64.tar.zst'] } }, 'warn', 'none for Cilium'],
  proxy: [
    { survey: { proxies: ['HTTPS_PROXY'], noProxy: ['10.42.0.0/16', '.svc', '.cluster.local'] } },
    'fail',
    'NO_PROXY lacks 10.43.0.0/16',
  ],
  'node-ip': [
    { facts: { addresses: [{ interface: 'eth0', address: '192.0.2.99', prefix: 24 }] } },
    'fail',
    'on no interface',
  ],
  lease: [{ survey: { leasedAddresses: ['192.0.2.11'] } }, 'warn', 'leased by DHCP'],
  'link-speed': [{ survey: { links: [{ name: 'eth0', mtu: 1_500, speedMbit: 100 }] } }, 'warn', '100 Mbit/s'],
  'default-route': [{ facts: { hasDefaultRoute: false } }, 'fail', 'none'],
  routes: [
    { survey: { routes: [{ to: '10.42.7.0/24', interface: 'eth1' }] } },
    'fail',
    '10.42.7.0/24 by eth1',
  ],
  resolver: [{ facts: { resolvers: ['127.0.0.53'] } }, 'warn', '127.0.0.53'],
  ports: [
    { facts: { listening: [{ protocol: 'tcp', address: '0.0.0.0', port: 6443, process: 'haproxy' }] } },
    'fail',
    '6443 (haproxy)',
  ],
  firewall: [{ facts: { units: { 'firewalld.service': unit('active') } } }, 'warn', 'firewalld.service'],
  'nm-cloud-setup': [
    { facts: { units: { 'nm-cloud-setup.timer': unit('inactive') } } },
    'fail',
    'nm-cloud-setup.timer',
  ],
  'node-object': [
    { survey: { clusterNodes: [one.nodes[0]?.name ?? ''] } },
    'fail',
    'there, and this host has lost its password',
  ],
  'etcd-address': [{ facts: RUNNING, survey: { etcdAddress: '192.0.2.99' } }, 'fail', '192.0.2.99'],
  certificate: [{ survey: { registration: 'wrong-certificate' } }, 'fail', 'wrong certificate'],
  'kube-proxy': [{ facts: configured(''), survey: { hasKubeProxyManifest: true } }, 'fail', 'runs'],
  'critical-values': [
    { facts: configured('cluster-cidr: "10.52.0.0/16"\n') },
    'fail',
    'cluster-cidr is 10.52.0.0/16, the drawing says 10.42.0.0/16',
  ],
  tailscale: [
    { topology: edge, survey: { tailscale: tailnet({ backendState: 'NeedsLogin' }) } },
    'fail',
    'NeedsLogin',
  ],
  'tailscale-loop': [
    {
      topology: edge,
      survey: {
        tailscale: tailnet(),
        links: [
          { name: 'eth0', mtu: 1_500, speedMbit: 1_000 },
          { name: 'cilium_host', mtu: 1_230, speedMbit: null },
        ],
      },
    },
    'warn',
    'no rule against it',
  ],
};

/** Shown elsewhere: these need other hosts. */
const BETWEEN_HOSTS = ['vip', 'reach-tcp', 'reach-udp', 'reach-ping', 'reach-vrrp', 'path-mtu'];

describe('checks', () => {
  it('all pass on a host that meets them, without a fix', () => {
    const cells = checkOne({});
    expect(cells.length).toBeGreaterThan(30);
    expect(cells.filter(({ status, fix }) => status !== 'ok' || fix !== '')).toEqual([]);
  });

  it('each have a way to fail here, an id of their own, a group in order and a source', () => {
    const ids = CHECKS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...Object.keys(BROKEN), ...BETWEEN_HOSTS].sort()).toEqual([...ids].sort());
    const places = CHECKS.map(({ group }) => CHECK_GROUPS.indexOf(group));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(CHECKS.filter(({ source, title }) => source === '' || title === '')).toEqual([]);
  });

  it.each(Object.entries(BROKEN))('%s fails alone, with why and fix', (checkId, [change, status, value]) => {
    const running = change.facts?.stamps ? { facts: { ...configured(''), ...change.facts } } : {};
    const base = checkOne({ ...change, ...running });
    const healthy = change.facts?.stamps ? checkOne({ facts: configured('') }) : [];
    expect(healthy.filter((cell) => cell.status !== 'ok')).toEqual([]);
    const bad = base.filter(
      (cell) => cell.status !== 'ok' && !(checkId === 'tailscale-loop' && cell.checkId === 'tailscale'),
    );
    expect(bad.map((cell) => cell.checkId)).toEqual([checkId]);
    expect(bad[0]).toMatchObject({ status, value, isUnknown: false });
    expect(bad[0]?.why).toMatch(/\.$/);
    expect(bad[0]?.fix).not.toBe('');
  });

  it.each<[string, Change, string, CheckStatus]>([
    ['two cores', { facts: { cpus: 2 } }, 'cpus', 'warn'],
    ['four cores', { facts: { cpus: 4 } }, 'cpus', 'ok'],
    ['a machine of 4 GB', { facts: { memoryMiB: 3_900 } }, 'memory', 'warn'],
    ['a machine of 8 GB', { facts: { memoryMiB: 7_700 } }, 'memory', 'ok'],
    ['15 GiB free', { facts: { dataFreeGiB: 15 } }, 'disk', 'warn'],
    ['a disk of 50 GB', { survey: { dataTotalGiB: 45.5 } }, 'disk-size', 'ok'],
    ['a disk at 10 ms', { diskSpeed: { ...FAST, p99Ms: 10 } }, 'disk-sync', 'warn'],
    ['a disk at 9.9 ms', { diskSpeed: { ...FAST, p99Ms: 9.9 } }, 'disk-sync', 'ok'],
    ['a fast disk by dd', { diskSpeed: { ...FAST, isUpperBound: true } }, 'disk-sync', 'ok'],
    [
      'etcd on NFS',
      { survey: { dataMount: { path: '/var', source: 'x:/y', fsType: 'nfs4', options: ['rw'] } } },
      'mount',
      'fail',
    ],
    ['the kernel of RHEL 8', { facts: { kernel: '4.18.0-553.el8_10.x86_64' } }, 'kernel', 'ok'],
    ['kernel 6.1', { facts: { kernel: '6.1.0' } }, 'kernel', 'ok'],
    [
      'a module of another tunnel',
      { survey: { modules: { overlay: 'there', br_netfilter: 'there', vxlan: 'there', geneve: 'missing' } } },
      'kernel-modules',
      'ok',
    ],
    ['5 s off', { facts: { clockOffsetMs: 5_000 } }, 'clock', 'warn'],
    [
      'no program that downloads, where files are sent',
      { facts: { missingTools: ['curl or wget'] }, topology: pushed },
      'tools',
      'ok',
    ],
    ['only iptables missing', { facts: { missingTools: ['iptables'] } }, 'tools', 'warn'],
    ['our own etcd data', { facts: { hasEtcdData: true, stamps: OURS } }, 'leftovers', 'ok'],
    ['our own older RKE2', { facts: { rke2Version: 'v1.34.1+rke2r1', stamps: OURS } }, 'leftovers', 'ok'],
    ['an RKE2 of somebody', { facts: { rke2Version: 'v1.34.1+rke2r1' } }, 'leftovers', 'warn'],
    ['k3s', { facts: { units: { 'k3s.service': unit('inactive') } } }, 'leftovers', 'fail'],
    [
      'a token of somebody',
      { survey: { leftovers: ['/var/lib/rancher/rke2/server/token'] } },
      'leftovers',
      'fail',
    ],
    [
      'a token of ours',
      { facts: { stamps: OURS }, survey: { leftovers: ['/var/lib/rancher/rke2/server/token'] } },
      'leftovers',
      'ok',
    ],
    ['an interface left over', { survey: { leftovers: ['interface cilium_host'] } }, 'leftovers', 'warn'],
    ['SELinux with the policy', { facts: { selinux: 'enforcing with rke2-selinux' } }, 'selinux', 'ok'],
    [
      'inotify before the plan',
      { survey: { sysctls: { 'fs.inotify.max_user_watches': '8192' } } },
      'inotify',
      'ok',
    ],
    ['CIS met', { topology: cis }, 'cis', 'ok'],
    ['CIS before the plan', { topology: cis, survey: { hasEtcdUser: false } }, 'cis', 'ok'],
    [
      'bundles for Cilium',
      {
        survey: {
          images: ['rke2-images-cilium.linux-amd64.tar.zst', 'rke2-images-core.linux-amd64.tar.zst'],
        },
      },
      'images',
      'ok',
    ],
    [
      'a proxy for none of the cluster',
      {
        survey: {
          proxies: ['HTTP_PROXY'],
          noProxy: ['10.42.0.0/16', '10.43.0.0/16', '.svc', '.cluster.local'],
        },
      },
      'proxy',
      'ok',
    ],
    ['a proxy for nothing at all', { survey: { proxies: ['HTTP_PROXY'], noProxy: ['*'] } }, 'proxy', 'ok'],
    [
      'a port that our etcd holds',
      {
        facts: {
          listening: [{ protocol: 'tcp', address: '::', port: 2379, process: 'etcd' }],
          stamps: OURS,
        },
      },
      'ports',
      'ok',
    ],
    [
      'a port that somebody’s etcd holds',
      { facts: { listening: [{ protocol: 'tcp', address: '::', port: 2379, process: 'etcd' }] } },
      'ports',
      'fail',
    ],
    [
      'a port of another protocol',
      { facts: { listening: [{ protocol: 'udp', address: '::', port: 6443, process: 'x' }] } },
      'ports',
      'ok',
    ],
    ['no ss', { facts: { missingTools: ['ss'] } }, 'ports', 'warn'],
    ['a resolver behind resolved', { facts: { resolvers: ['127.0.0.53', '192.0.2.1'] } }, 'resolver', 'ok'],
    [
      'the cluster’s own route',
      { survey: { routes: [{ to: '10.42.0.0/24', interface: 'cilium_host' }] } },
      'routes',
      'ok',
    ],
    [
      'Docker’s route',
      { survey: { routes: [{ to: '172.17.0.0/16', interface: 'docker0' }] } },
      'routes',
      'ok',
    ],
    [
      'a known node with its password',
      { survey: { clusterNodes: [one.nodes[0]?.name ?? ''], hasNodePassword: true } },
      'node-object',
      'ok',
    ],
    ['a new node', { survey: { clusterNodes: ['other'] } }, 'node-object', 'ok'],
    ['a certificate that proves it', { survey: { registration: 'valid' } }, 'certificate', 'ok'],
    ['a silent load balancer', { survey: { registration: 'silent' } }, 'certificate', 'warn'],
    [
      'a tailnet without the tag',
      { topology: edge, survey: { tailscale: tailnet({ tags: [] }) } },
      'tailscale',
      'warn',
    ],
    [
      'a key that ends soon',
      { topology: edge, survey: { tailscale: tailnet({ keyExpiry: '2026-12-01T00:00:00Z' }) } },
      'tailscale',
      'warn',
    ],
    [
      'a key that ends late',
      { topology: edge, survey: { tailscale: tailnet({ keyExpiry: '2027-06-01T00:00:00Z' }) } },
      'tailscale',
      'ok',
    ],
    ['no Tailscale yet', { topology: edge }, 'tailscale', 'warn'],
  ])('%s', (_what, change, checkId, status) => {
    expect(checkOne(change).find((cell) => cell.checkId === checkId)?.status).toBe(status);
  });

  it.each<[string, Change, string]>([
    ['kernel-modules', { survey: { modules: {} } }, 'unknown: overlay, br_netfilter, vxlan not loaded'],
    ['disk-kind', { survey: { isRotational: null } }, 'unknown: no disk seen behind /dev/sda2'],
    ['disk-size', { survey: { dataTotalGiB: 0 } }, 'unknown: df'],
    ['disk-sync', { diskSpeed: { ...FAST, p99Ms: 20, isUpperBound: true } }, 'unknown: at most 20 ms'],
    ['disk-sync', { diskSpeed: { unknown: 'no room' } }, 'unknown: no room'],
    ['mount', { survey: { dataMount: null } }, 'unknown: findmnt'],
    ['clock-sync', { survey: { ntp: 'unknown' } }, 'unknown: timedatectl'],
    ['link-speed', { survey: { links: [] } }, 'unknown: the driver of eth0'],
    ['ports', { facts: { missingTools: ['ss'] } }, 'unknown: ss is missing'],
    ['certificate', { survey: { registration: 'unknown' } }, 'unknown: curl'],
  ])('%s is never ok where nothing is known', (checkId, change, value) => {
    const cell = checkOne(change).find((candidate) => candidate.checkId === checkId);
    expect(cell).toMatchObject({ status: 'warn', isUnknown: true });
    expect(cell?.value.startsWith(value)).toBe(true);
    expect(cell?.fix).not.toBe('');
  });

  it('asks agents for less than servers, and load balancers for nothing of RKE2', () => {
    const layout = exampleLayout();
    const small = layout.nodes.map((node) => makeFacts(layout, node, { cpus: 2, memoryMiB: 3_900 }));
    const vips = new Map(['n-lb1', 'n-lb2'].map((id) => [id, { state: 'silent', mac: '' } as const]));
    const bad = checkHosts(layout, small, { vips }).filter(({ status }) => status !== 'ok');
    expect([...new Set(bad.map(({ nodeId, checkId }) => `${nodeId} ${checkId}`))]).toEqual(
      ['n-s1', 'n-s2', 'n-s3'].flatMap((id) => [`${id} cpus`, `${id} memory`]),
    );
    const balancer = checkHosts(layout, small).filter(({ nodeId }) => nodeId === 'n-lb1');
    expect(balancer.map(({ checkId }) => checkId)).not.toContain('kernel');
  });

  it('says of a host whose survey failed that nothing is known', () => {
    const cells = checkHosts(one, factsOf(one), { surveys: new Map() });
    const unknown = cells.filter(({ isUnknown }) => isUnknown).map(({ checkId }) => checkId);
    expect(unknown).toEqual(CHECKS.filter(({ needs }) => needs?.includes('survey')).map(({ id }) => id));
  });
});

it('tells findings apart that look the same in their first words', () => {
  const hashOf = (missingTools: string[]) => {
    const cell = checkOne({ facts: { missingTools } }).find(({ checkId }) => checkId === 'tools');
    return [cell?.value, cell?.valueHash];
  };
  const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const [[shown, hash], [shownMore, hashMore]] = [hashOf(many), hashOf([...many.slice(0, -1), 'h'])];
  expect(shownMore).toBe(shown);
  expect(hashMore).not.toBe(hash);
  expect(hashOf(many)).toEqual([shown, hash]);
});
