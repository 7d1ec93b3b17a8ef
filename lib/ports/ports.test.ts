import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { exampleLayout, oneServer } from '@/lib/testing/example-layout';
import { LOCAL_PORTS } from './local-ports';
import { PORT_MATRIX } from './port-matrix';
import { portsOf } from './ports-of';
import { activePortRules, toReachability } from './to-reachability';

const id = (name: string) => NodeId.parse(`n-${name}`);
const idsOf = (...args: Parameters<typeof activePortRules>) =>
  activePortRules(...args).map((rule) => rule.id);

describe('the port matrix', () => {
  it('has unique ids, and never opens a port that belongs on loopback', () => {
    expect(new Set(PORT_MATRIX.map((rule) => rule.id)).size).toBe(PORT_MATRIX.length);
    const loopbackOnly = LOCAL_PORTS.map(({ port }) => port).filter((port) => ![6443, 2381].includes(port));
    for (const { ports } of PORT_MATRIX) {
      if (ports) expect(loopbackOnly.filter((port) => port >= ports[0] && port <= ports[1])).toEqual([]);
    }
  });

  it('does not open 4245: hubble-relay is a pod behind a ClusterIP', () => {
    expect(PORT_MATRIX.some(({ ports }) => ports && ports[0] <= 4245 && ports[1] >= 4245)).toBe(false);
  });

  it('opens 4244 and ICMP by default, encryption and etcd metrics only when asked', () => {
    const usual = idsOf(exampleLayout());
    expect(usual).toEqual(expect.arrayContaining(['hubble', 'ping', 'vxlan', 'vrrp', 'join-lb']));
    for (const rule of ['wireguard', 'etcd-metrics', 'geneve', 'images', 'tailscale', 'ingress-http']) {
      expect(usual).not.toContain(rule);
    }
  });

  it.each([
    ['wireguard', { cilium: { wireguard: true } }],
    ['geneve', { cilium: { tunnelProtocol: 'geneve' } }],
    ['etcd-metrics', { etcd: { exposeMetrics: true } }],
    ['images', { edge: { embeddedRegistry: true } }],
    ['tailscale', { edge: { tailscale: { enabled: true } } }],
    ['ingress-https', { rke2: { ingressController: 'traefik' } }],
    ['agent-metrics', { cilium: { prometheus: true } }],
  ] as const)('adds %s by its setting', (rule, changes) => {
    expect(idsOf(exampleLayout())).not.toContain(rule);
    expect(idsOf(exampleLayout(changes))).toContain(rule);
  });

  it.each([
    ['hubble', { cilium: { hubble: { enabled: false } } }],
    ['hubble', { cilium: { hubble: { relay: false } } }],
    ['vxlan', { cilium: { routing: 'native' } }],
    ['vrrp', { registration: { loadBalancer: 'external' } }],
  ] as const)('drops %s by its setting', (rule, changes) => {
    expect(idsOf(exampleLayout(changes))).not.toContain(rule);
  });
});

describe('toReachability', () => {
  const all = toReachability(exampleLayout());
  const pairsOf = (ruleId: string) =>
    all.filter((entry) => entry.ruleId === ruleId).map(({ from, to }) => `${from} ${to}`);

  it('goes between every pair of servers for etcd, both ways, and nowhere else', () => {
    expect(pairsOf('etcd')).toEqual([
      'n-s1 n-s2',
      'n-s1 n-s3',
      'n-s2 n-s1',
      'n-s2 n-s3',
      'n-s3 n-s1',
      'n-s3 n-s2',
    ]);
    expect(all.find(({ ruleId }) => ruleId === 'etcd')).toMatchObject({
      port: 2379,
      lastPort: 2380,
      protocol: 'tcp',
    });
  });

  it('takes agents to every server on 6443 and 9345, not only to the fixed address', () => {
    for (const rule of ['api', 'join']) {
      expect(pairsOf(rule)).toEqual(expect.arrayContaining(['n-a1 n-s1', 'n-a1 n-s2', 'n-a1 n-s3']));
    }
    expect(pairsOf('join-agents-lb')).toContain('n-a1 n-lb2');
  });

  it('takes servers to each other on 9345, where they join, and not through the load balancers', () => {
    expect(pairsOf('join')).toEqual(expect.arrayContaining(['n-s2 n-s1', 'n-s3 n-s1', 'n-s1 n-s2']));
    expect(pairsOf('join-agents-lb').filter((pair) => pair.startsWith('n-s'))).toEqual([]);
  });

  it('has ICMP and VRRP without a port, and VRRP between load balancers only', () => {
    expect(pairsOf('vrrp')).toEqual(['n-lb1 n-lb2', 'n-lb2 n-lb1']);
    expect(all.filter(({ protocol }) => protocol === 'icmp').every(({ port }) => port === null)).toBe(true);
  });

  it('never goes from a node to itself, and with one server nothing is left between nodes', () => {
    expect(all.filter(({ from, to }) => from === to)).toEqual([]);
    expect(new Set(toReachability(oneServer()).map(({ from }) => from))).toEqual(
      new Set(['clients', 'siteplan']),
    );
  });

  it('knows the SSH port of each node', () => {
    const topology = exampleLayout();
    const nodes = topology.nodes.map((node) => ({
      ...node,
      ssh: { ...node.ssh, port: node.name === 's2' ? 2222 : 22 },
    }));
    const ssh = toReachability({ ...topology, nodes }).filter(({ from }) => from === 'siteplan');
    expect(ssh).toHaveLength(8);
    expect(ssh.find(({ to }) => to === 'n-s2')).toMatchObject({ port: 2222, lastPort: 2222 });
    expect(ssh.find(({ to }) => to === 'n-s1')).toMatchObject({ port: 22 });
  });

  it('narrows to pairs that touch given nodes', () => {
    const some = toReachability(exampleLayout(), new Set([id('a3')]));
    expect(some.length).toBeGreaterThan(0);
    expect(some).toEqual(all.filter(({ from, to }) => from === 'n-a3' || to === 'n-a3'));
  });
});

describe('portsOf', () => {
  const portNumbers = (name: string, changes = {}) =>
    portsOf(exampleLayout(changes), id(name)).map(({ port, protocol }) => `${port}/${protocol}`);

  it('lists what a server listens on, in order, once each', () => {
    const ports = portNumbers('s1');
    expect(ports).toEqual(
      expect.arrayContaining([
        '2379/tcp',
        '2380/tcp',
        '4240/tcp',
        '4244/tcp',
        '6443/tcp',
        '6444/tcp',
        '8472/udp',
        '9345/tcp',
        '10250/tcp',
        '10259/tcp',
      ]),
    );
    expect(new Set(ports).size).toBe(ports.length);
    expect(ports).not.toContain('22/tcp');
    expect(ports).not.toContain('30000/tcp');
  });

  it('binds etcd metrics to loopback unless they are exposed', () => {
    const metrics = (changes = {}) =>
      portsOf(exampleLayout(changes), id('s1')).find(({ port }) => port === 2381);
    expect(metrics()).toMatchObject({ address: 'loopback' });
    expect(metrics({ etcd: { exposeMetrics: true } })).toMatchObject({ address: 'any' });
  });

  it('gives an agent a loopback 6443 and no etcd, a load balancer both front ports', () => {
    expect(portNumbers('a1')).not.toContain('2379/tcp');
    expect(portsOf(exampleLayout(), id('a1')).find(({ port }) => port === 6443)).toMatchObject({
      address: 'loopback',
    });
    expect(portNumbers('lb1')).toEqual(['6443/tcp', '9345/tcp']);
    expect(portsOf(exampleLayout(), id('nobody'))).toEqual([]);
  });
});
