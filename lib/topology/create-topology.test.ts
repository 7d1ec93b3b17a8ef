import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { exampleLayout, oneServer } from '@/lib/testing/example-layout';
import { toDefaultTopology, toRoleCounts } from './create-topology';
import type { HostInput } from './create-topology';
import { agents, clusterNodes, findNode, firstServer, loadBalancers, servers } from './find-node';
import { apiSans, apiUrl, findRegistrationAddress, registrationAddress } from './registration';
import type { Pattern } from './topology';

const hosts = (count: number, changes: Readonly<Record<number, Partial<HostInput>>> = {}): HostInput[] =>
  Array.from({ length: count }, (_, index) => ({
    id: NodeId.parse(`n-${index}x`),
    internalIp: `192.0.2.${index + 1}`,
    ...changes[index],
  }));
const rolesOf = (pattern: Pattern, list: HostInput[]) =>
  toDefaultTopology(pattern, list)
    .nodes.map(({ name }) => name)
    .join(' ');

describe('toDefaultTopology', () => {
  it.each([
    ['ha', 8, 's1 s2 s3 a1 a2 a3 lb1 lb2'],
    ['ha', 5, 's1 s2 s3 lb1 lb2'],
    ['ha', 4, 's1 s2 s3 a1'],
    ['ha', 2, 's1 a1'],
    ['edge', 3, 's1 a1 a2'],
    ['custom', 1, 's1'],
    ['custom', 3, 's1 a1 a2'],
    ['custom', 0, ''],
  ] as const)('deals out %s over %i hosts', (pattern, count, names) => {
    expect(rolesOf(pattern, hosts(count))).toBe(names);
    const { server, agent, lb } = toRoleCounts(pattern, count);
    expect(server + agent + lb).toBe(count);
  });

  it('keeps roles and names that are stated, and fills up around them', () => {
    expect(rolesOf('ha', hosts(5, { 0: { role: 'agent' }, 4: { role: 'server', name: 's1' } }))).toBe(
      'a1 s2 s3 a2 s1',
    );
    expect(rolesOf('custom', hosts(2, { 1: { role: 'server' } }))).toBe('a1 s1');
    expect(rolesOf('custom', hosts(2, { 0: { name: 'a1' } }))).toBe('a1 a2');
  });

  it('registers by the first server, or by a VIP as soon as there is more than one', () => {
    expect(toDefaultTopology('custom', hosts(1)).registration).toMatchObject({
      via: 'server',
      loadBalancer: 'none',
    });
    expect(toDefaultTopology('ha', hosts(8)).registration).toMatchObject({
      via: 'vip',
      loadBalancer: 'managed',
    });
    expect(toDefaultTopology('ha', hosts(3)).registration).toMatchObject({
      via: 'vip',
      loadBalancer: 'external',
    });
    expect(toDefaultTopology('ha', hosts(8), { vip: '192.0.2.99' }).registration).toMatchObject({
      via: 'vip',
      vip: '192.0.2.99',
    });
  });

  it('relaxes timers at the edge, and looks after Tailscale where addresses are on a tailnet', () => {
    expect(toDefaultTopology('edge', hosts(3))).toMatchObject({
      edge: { relaxedTimers: true, tailscale: { enabled: false } },
      cilium: { operatorReplicas: 1 },
    });
    expect(
      toDefaultTopology('edge', hosts(3, { 1: { externalIp: '100.64.1.1' } })).edge.tailscale.enabled,
    ).toBe(true);
  });

  it('refuses hosts that are no valid nodes', () => {
    expect(() => toDefaultTopology('custom', hosts(1, { 0: { internalIp: '192.0.2.999' } }))).toThrow(
      'not an IPv4 address',
    );
    expect(() => toDefaultTopology('custom', hosts(1, { 0: { name: 'S 1' } }))).toThrow('lowercase');
  });
});

describe('finding nodes', () => {
  it('goes by role and id in the document’s order', () => {
    const topology = exampleLayout();
    const names = (nodes: { name: string }[]) => nodes.map(({ name }) => name).join(' ');
    expect(names(servers(topology))).toBe('s1 s2 s3');
    expect(names(agents(topology))).toBe('a1 a2 a3');
    expect(names(loadBalancers(topology))).toBe('lb1 lb2');
    expect(names(clusterNodes(topology))).toBe('s1 s2 s3 a1 a2 a3');
    expect(firstServer(topology)?.name).toBe('s1');
    expect(findNode(topology, NodeId.parse('n-a2'))?.name).toBe('a2');
    expect(findNode(topology, NodeId.parse('n-zz'))).toBeNull();
    expect(firstServer({ ...topology, nodes: [] })).toBeNull();
  });
});

describe('the registration address', () => {
  const { registration } = exampleLayout();
  const via = (change: Partial<typeof registration>) =>
    exampleLayout({ registration: { ...registration, ...change } });

  it('is the VIP, the name or the first server', () => {
    expect(registrationAddress(via({ via: 'vip' }))).toBe('192.168.10.5');
    expect(registrationAddress(via({ via: 'dns' }))).toBe('lb.example.com');
    expect(registrationAddress(via({ via: 'server' }))).toBe('192.168.10.10');
    expect(apiUrl(exampleLayout())).toBe('https://192.168.10.5:6443');
  });

  it('says what is missing', () => {
    expect(findRegistrationAddress(via({ vip: undefined }))).toBeNull();
    expect(() => registrationAddress(via({ vip: undefined }))).toThrow('registration.vip is empty');
    expect(() => registrationAddress(via({ via: 'dns', dnsName: undefined }))).toThrow(
      'registration.dnsName is empty',
    );
    expect(() => registrationAddress({ ...oneServer(), nodes: [] })).toThrow('has no server');
  });
});

describe('apiSans', () => {
  it('covers every name and address by which a client may come, once', () => {
    const sans = apiSans(exampleLayout({ security: { extraSans: ['api.example.net', '192.168.10.5'] } }));
    expect(sans).toEqual([
      'lb.example.com',
      '192.168.10.5',
      ...[10, 11, 12].flatMap((place) => [`s${place - 9}`, `192.168.10.${place}`, `100.64.1.${place}`]),
      ...['lb1', '192.168.10.8', 'lb2', '192.168.10.9'],
      'api.example.net',
    ]);
    expect(apiSans(oneServer())).toEqual(['one', '192.0.2.11']);
  });
});
