import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { arbitraryTopology } from '@/lib/testing/arbitrary-topology';
import { exampleLayout } from '@/lib/testing/example-layout';
import { formatTopology } from './format-topology';
import { parseTopology } from './parse-topology';
import type { Topology } from './topology';

const noNewId = () => {
  throw new Error('every node is known');
};

describe('formatTopology', () => {
  it('gives text that parses back to the same topology', () => {
    fc.assert(
      fc.property(arbitraryTopology, (topology) => {
        expect(parseTopology(formatTopology(topology), { previous: topology, newId: noNewId })).toEqual(
          topology,
        );
      }),
      { numRuns: 300 },
    );
  });

  it('gives equal text for equal topologies whatever the order of their members', () => {
    fc.assert(
      fc.property(arbitraryTopology, (topology) => {
        expect(formatTopology(withReversedMembers(topology) as Topology)).toBe(formatTopology(topology));
      }),
    );
  });

  it('leaves defaults out and keeps the order of the schema', () => {
    const text = formatTopology(exampleLayout(), { withIds: false });
    expect(text.split('\n').slice(0, 14)).toEqual([
      '# Siteplan topology. Fields that are left out have their defaults.',
      'schemaVersion: 1',
      'pattern: ha',
      'rke2:',
      '  version: v1.35.7+rke2r1',
      'nodes:',
      '  - name: s1',
      '    role: server',
      '    internalIp: 192.168.10.10',
      '    externalIp: 100.64.1.10',
      '    os: Ubuntu 24.04',
      '  - name: s2',
      '    role: server',
      '    internalIp: 192.168.10.11',
    ]);
    expect(text).not.toContain('clusterCidr');
    expect(text.indexOf('registration:')).toBeLessThan(text.indexOf('network:'));
  });

  it('without ids goes back by name', () => {
    const topology = exampleLayout();
    const text = formatTopology(topology, { withIds: false });
    expect(parseTopology(text, { previous: topology, newId: noNewId })).toEqual(topology);
    let count = 0;
    const fresh = parseTopology(text, { previous: null, newId: () => NodeId.parse(`n-new-${(count += 1)}`) });
    expect(fresh.nodes.map(({ id }) => id)).toEqual(topology.nodes.map((_, index) => `n-new-${index + 1}`));
  });
});

function withReversedMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withReversedMembers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, withReversedMembers(member)]),
  );
}
