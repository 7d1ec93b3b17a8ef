import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { doCidrsOverlap, findIpv4, hasAddress, parseCidr, TAILNET_CIDR } from '@/lib/core/cidr';
import { arbitraryTopology } from '@/lib/testing/arbitrary-topology';
import { exampleLayout, oneServer } from '@/lib/testing/example-layout';
import { toPathText } from '@/lib/topology/edit-topology';
import { Topology } from '@/lib/topology/topology';
import type { TopologyInput } from '@/lib/topology/topology';
import { checkTopology } from './check-topology';
import { DOCKER_CIDR, findFreeNetwork } from './find-free-network';

/* Where each rule begins and ends. */

const found = (topology: Topology) =>
  checkTopology(topology).map(({ ruleId, path }) => `${ruleId} ${toPathText(path)}`);
const withFirst = (change: object, rest: Partial<TopologyInput> = {}) => {
  const topology = exampleLayout(rest);
  const nodes = topology.nodes.map((node, place) => (place === 0 ? { ...node, ...change } : node));
  return Topology.parse({ ...topology, nodes });
};
const { registration } = exampleLayout();

describe('an operating system', () => {
  it.each([
    'Ubuntu 18.04',
    'Ubuntu 20.04.6 LTS',
    'Debian GNU/Linux 10 (buster)',
    'CentOS Linux 7',
    'SLES 15 SP3',
  ])('%s comes with a kernel that Cilium refuses', (os) =>
    expect(found(withFirst({ os }))).toContain('os-kernel-too-old nodes[0].os'),
  );

  it.each([
    '',
    'Ubuntu 22.04',
    'Ubuntu 24.04.1',
    'Debian GNU/Linux 12.7',
    'RHEL 9.6',
    'Rocky Linux 9.7',
    'SLES 15 SP6',
    'openSUSE',
  ])('“%s” is not complained about', (os) =>
    expect(found(withFirst({ os })).join()).not.toContain('os-kernel-too-old'),
  );
});

describe('hardware', () => {
  it.each([
    [{ cpus: 1 }, 'hardware-below-minimum'],
    [{ cpus: 2 }, 'hardware-below-recommended'],
    [{ cpus: 4 }, null],
    [{ memoryGiB: 3 }, 'hardware-below-minimum'],
    [{ memoryGiB: 7 }, 'hardware-below-recommended'],
    [{ memoryGiB: 8 }, null],
    [{ diskGiB: 49 }, 'hardware-below-recommended'],
    [{ diskGiB: 50, diskKind: 'ssd' }, null],
    [{ linkMbit: 100 }, 'hardware-below-recommended'],
    [{ linkMbit: 1_000 }, null],
  ])('%j of a server is %s', (hardware, ruleId) => {
    const hits = found(withFirst({ hardware })).filter((text) => text.includes('hardware'));
    expect(hits.map((text) => text.split(' ')[0])).toEqual(ruleId === null ? [] : [ruleId]);
  });

  it('of an agent needs half, and of a load balancer nothing', () => {
    const small = { cpus: 2, memoryGiB: 4, diskGiB: 20 };
    const of = (role: string) => found(withFirst({ role, hardware: small })).join();
    expect(of('agent')).not.toContain('hardware');
    expect(of('server')).toContain('hardware-below-recommended');
    expect(found(withFirst({ role: 'lb', hardware: { cpus: 1, diskKind: 'hdd' } })).join()).not.toMatch(
      /hardware|slow-disk/,
    );
  });

  it('of servers with very many agents needs twice as much', () => {
    const withAgents = (count: number) =>
      Topology.parse({
        ...oneServer(),
        network: { clusterCidr: '10.0.0.0/14', serviceCidr: '10.43.0.0/16' },
        nodes: [
          {
            id: 'n-s1',
            name: 's1',
            role: 'server',
            internalIp: '192.0.2.1',
            hardware: { cpus: 4, memoryGiB: 8 },
          },
          ...Array.from({ length: count }, (_, place) => ({
            id: `n-a${place}`,
            name: `a${place}`,
            role: 'agent',
            internalIp: `198.18.${Math.floor(place / 250)}.${(place % 250) + 1}`,
          })),
        ],
      });
    expect(found(withAgents(450)).join()).not.toContain('hardware');
    expect(found(withAgents(451)).filter((text) => text.includes('hardware'))).toHaveLength(2);
  });
});

describe('addresses', () => {
  const vip = (text: string, nodeCidr = '192.168.10.0/24') =>
    found(exampleLayout({ registration: { ...registration, vip: text }, network: { nodeCidr } }));

  it('at the ends of the nodes’ network are nobody’s, but not in the smallest networks', () => {
    expect(vip('192.168.10.0')).toContain('unusable-address registration.vip');
    expect(vip('192.168.10.255')).toContain('unusable-address registration.vip');
    expect(vip('192.168.10.254')).not.toContain('unusable-address registration.vip');
    expect(vip('192.168.10.4', '192.168.10.4/31')).not.toContain('unusable-address registration.vip');
  });

  it('of the VIP are judged like those of hosts', () => {
    expect(vip('127.0.0.1')).toContain('unusable-address registration.vip');
    expect(vip('10.42.7.7')).toContain('cidr-holds-host registration.vip');
    expect(vip('10.43.0.1')).toContain('cidr-holds-host registration.vip');
  });

  it('of a load balancer by SSH belong into the certificate too, those of an agent do not', () => {
    const ssh = { address: 'door.example.net' };
    expect(found(withFirst({ role: 'lb', ssh })).join()).toContain('san-ssh-address');
    expect(found(withFirst({ role: 'agent', ssh })).join()).not.toContain('san-ssh-address');
  });

  it('behind different bastions may be equal', () => {
    const topology = exampleLayout();
    const behind = (gate: string) => ({ address: '10.0.0.5', bastion: { address: gate } });
    const nodes = topology.nodes.map((node, place) =>
      place < 2 ? { ...node, ssh: behind(place === 0 ? 'gate-a' : 'gate-b') } : node,
    );
    expect(found(Topology.parse({ ...topology, nodes })).join()).not.toContain('same-machine');
    const same = nodes.map((node, place) => (place < 2 ? { ...node, ssh: behind('gate-a') } : node));
    expect(found(Topology.parse({ ...topology, nodes: same }))).toContain(
      'same-machine nodes[1].ssh.address',
    );
  });
});

describe('zones', () => {
  const zones = (...names: string[]) => {
    const topology = exampleLayout();
    const nodes = topology.nodes.map((node, place) => ({ ...node, zone: names[place] ?? '' }));
    return found(Topology.parse({ ...topology, nodes })).join();
  };

  it('are judged once every server has one', () => {
    expect(zones('a', 'b', 'c')).not.toContain('zone-holds-quorum');
    expect(zones('a', 'a', 'b')).toContain('zone-holds-quorum');
    expect(zones('a', 'a', '')).not.toContain('zone-holds-quorum');
  });
});

describe('findFreeNetwork', () => {
  it('gives a network that meets nothing in the document, of any topology', () => {
    fc.assert(
      fc.property(arbitraryTopology, fc.constantFrom('clusterCidr', 'serviceCidr'), (topology, field) => {
        const free = findFreeNetwork(topology, field);
        if (free === null) return;
        const cidr = parseCidr(free);
        const other = field === 'clusterCidr' ? topology.network.serviceCidr : topology.network.clusterCidr;
        const networks = [other, topology.network.nodeCidr].flatMap((text) =>
          text ? [parseCidr(text)] : [],
        );
        for (const each of [...networks, TAILNET_CIDR, DOCKER_CIDR])
          expect(doCidrsOverlap(cidr, each)).toBe(false);
        for (const { internalIp } of topology.nodes)
          expect(hasAddress(cidr, findIpv4(internalIp) ?? 0)).toBe(false);
      }),
    );
  });

  it('takes RKE2’s own first, the next one where that is taken, and none where nothing is left', () => {
    const free = (network: TopologyInput['network']) =>
      findFreeNetwork(exampleLayout({ network }), 'clusterCidr');
    expect(free({})).toBe('10.42.0.0/16');
    expect(free({ nodeCidr: '10.42.0.0/24' })).toBe('10.44.0.0/16');
    expect(free({ nodeCidr: '10.0.0.0/8' })).toBeNull();
  });
});
