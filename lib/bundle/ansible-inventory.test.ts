import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { arbitraryTopology } from '@/lib/testing/arbitrary-topology';
import { parseHosts } from '@/lib/topology/parse-hosts';
import { Topology, TopologyNode } from '@/lib/topology/topology';
import { toAnsibleInventory } from './ansible-inventory';

const inner = { address: '10.0.0.2', port: 22, user: 'hop' };
const bastion = { address: 'gate.example.com', port: 2222, user: 'ann' };
const topology = Topology.parse({
  pattern: 'ha',
  nodes: [
    { id: 'n-lb1', name: 'lb1', role: 'lb', internalIp: '192.0.2.8' },
    {
      id: 'n-yes',
      name: 'yes',
      role: 'server',
      internalIp: '192.0.2.10',
      externalIp: '100.64.1.10',
      zone: "{{ lookup('pipe', 'id') }}",
      labels: { 'example.net/disk': 'ssd' },
      taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }],
      ssh: { address: 's1.example.com', port: 2200, user: 'ubuntu', bastion: { ...inner, bastion } },
    },
    {
      id: 'n-12',
      name: '12',
      role: 'agent',
      internalIp: '192.0.2.12',
      ssh: { bastion: { ...inner, address: '2001:db8::7' } },
    },
  ],
  registration: { via: 'vip', vip: '192.0.2.5', loadBalancer: 'managed', interface: 'eth0' },
  notes: '{{ notes }}',
});

describe('toAnsibleInventory', () => {
  it('has the groups, how to reach each host, and quoted names that YAML 1.1 would read as something else', async () => {
    await expect(toAnsibleInventory('Bern\n{{ 2 }}', 7, topology)).toMatchFileSnapshot(
      '__golden__/inventory.yaml',
    );
  });

  it('holds for any topology every host once in its group, and nothing that Ansible would evaluate or fill', () => {
    fc.assert(
      fc.property(arbitraryTopology, (drawn) => {
        const text = toAnsibleInventory('site', 1, drawn);
        expect(text).not.toMatch(/\{\{|\{%|\{#|⟦/);
        const document = parse(text, { version: '1.1' }) as {
          all: { children: Record<string, { hosts?: object; children?: Record<string, { hosts: object }> }> };
        };
        const { lbs, cluster } = document.all.children;
        const namesOf = (role: string) =>
          drawn.nodes.filter((node) => node.role === role).map(({ name }) => name);
        const keys = (group?: { hosts?: object }) => Object.keys(group?.hosts ?? {}).sort();
        expect(keys(lbs)).toEqual([...new Set(namesOf('lb'))].sort());
        expect(keys(cluster?.children?.['servers'])).toEqual([...new Set(namesOf('server'))].sort());
        expect(keys(cluster?.children?.['agents'])).toEqual([...new Set(namesOf('agent'))].sort());
      }),
      { numRuns: 60 },
    );
  });

  it('is read again as the same hosts by what takes pasted lists', () => {
    fc.assert(
      fc.property(arbitraryTopology, (drawn) => {
        const seen = new Set<string>();
        const nodes = drawn.nodes.filter(({ name, internalIp, externalIp }) => {
          const values = [name, internalIp, externalIp ?? `none of ${name}`];
          const isNew = new Set(values).size === 3 && values.every((value) => !seen.has(value));
          for (const value of values) seen.add(value);
          return isNew;
        });
        fc.pre(nodes.length > 0);
        const { hosts, rows, leftOut } = parseHosts(toAnsibleInventory('site', 1, { ...drawn, nodes }));
        expect(rows.filter(({ error }) => error !== null)).toEqual([]);
        expect(leftOut).toEqual([]);
        const toPlain = (node: TopologyNode) => ({
          ...node,
          id: '',
          ssh: { ...node.ssh, address: node.ssh.address ?? node.internalIp, credentialId: undefined },
          // What the inventory leaves out, because Ansible would evaluate it or has no use for it.
          ...{ os: '', zone: '', hardware: {}, position: undefined },
        });
        const byName = (a: TopologyNode, b: TopologyNode) => (a.name < b.name ? -1 : 1);
        const read = hosts.map((host) => TopologyNode.parse({ ...host, id: 'n-any' }));
        expect(read.sort(byName).map(toPlain)).toEqual([...nodes].sort(byName).map(toPlain));
      }),
      { numRuns: 100 },
    );
  });

  it('keeps bastions on the way back, also those with an IPv6 address', () => {
    const { hosts } = parseHosts(toAnsibleInventory('site', 1, topology));
    const read = hosts.map((host) => TopologyNode.parse({ ...host, id: 'n-any' }));
    const waysOf = (nodes: readonly TopologyNode[]) =>
      new Map(nodes.map(({ name, ssh }) => [name, ssh.bastion]));
    expect(waysOf(read)).toEqual(waysOf(topology.nodes));
  });
});
