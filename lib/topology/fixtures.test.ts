import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { checkTopology, isBuildable } from '@/lib/rules/check-topology';
import { edgeLayout } from '@/lib/testing/edge-layout';
import { exampleLayout } from '@/lib/testing/example-layout';
import { formatTopology } from './format-topology';
import { parseTopology } from './parse-topology';
import { Topology } from './topology';

const readFixture = (name: string) => readFileSync(new URL(`__fixtures__/${name}`, import.meta.url), 'utf8');

describe.each([
  ['example-layout.yaml', exampleLayout()],
  ['edge-layout.yaml', edgeLayout()],
])('%s', (file, topology) => {
  const text = readFixture(file);

  it('is what the factory of the tests makes, to the byte', () => {
    expect(formatTopology(topology)).toBe(text);
  });

  it('reads as that topology in a site that knows its nodes', () => {
    const newId = () => {
      throw new Error('every node is known');
    };
    expect(parseTopology(text, { previous: topology, newId })).toEqual(topology);
  });

  it('reads as a new site’s topology with ids of ours', () => {
    let count = 0;
    const read = parseTopology(text, { previous: null, newId: () => NodeId.parse(`n-new-${(count += 1)}`) });
    const withoutIds = ({ nodes, ...rest }: Topology) => ({
      ...rest,
      nodes: nodes.map((node) => ({ ...node, id: '' })),
    });
    expect(withoutIds(read)).toEqual(withoutIds(topology));
    expect(read.nodes.map(({ id }) => id)).toEqual(topology.nodes.map((_, place) => `n-new-${place + 1}`));
  });

  it('has nothing that stands in the way of a plan', () => {
    expect(isBuildable(checkTopology(topology))).toBe(true);
  });
});

describe('a document stored by the first schema', () => {
  const stored: unknown = JSON.parse(readFixture('stored-first-schema.json'));

  it('still reads, says the same, and gets defaults for what came later', () => {
    const topology = Topology.parse(stored);
    expect(topology).toMatchObject(stored as object); // an object, or the line above had thrown
    expect(topology.cilium.policies).toEqual([]);
    expect(topology.nodes[0]?.hardware).toEqual({});
    expect(topology.edge.localPathDirectory).toBe('/opt/local-path-provisioner');
  });

  it('goes through YAML and back', () => {
    const topology = Topology.parse(stored);
    const newId = () => {
      throw new Error('every node is known');
    };
    expect(parseTopology(formatTopology(topology), { previous: topology, newId })).toEqual(topology);
  });
});
