import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryTopology } from '@/lib/testing/arbitrary-topology';
import { exampleLayout } from '@/lib/testing/example-layout';
import { diffTopology } from './diff-topology';
import { applyEdits, toPathText } from './edit-topology';
import type { TopologyEdit } from './edit-topology';
import { Topology } from './topology';

const textsOf = (before: Topology, after: Topology) => diffTopology(before, after).map(({ text }) => text);
const edited = (...edits: TopologyEdit[]) => textsOf(exampleLayout(), applyEdits(exampleLayout(), edits));
const set = (path: (string | number)[], value: unknown): TopologyEdit => ({ op: 'set', path, value });

describe('diffTopology', () => {
  it('is empty for equal topologies and never for different ones', () => {
    fc.assert(
      fc.property(arbitraryTopology, arbitraryTopology, (a, b) => {
        expect(diffTopology(a, Topology.parse(structuredClone(a)))).toEqual([]);
        const withoutPositions = (topology: Topology) => ({
          ...topology,
          nodes: topology.nodes.map((node) => ({ ...node, position: undefined })),
        });
        const isSame = JSON.stringify(withoutPositions(a)) === JSON.stringify(withoutPositions(b));
        if (!isSame) expect(diffTopology(a, b)).not.toEqual([]);
      }),
    );
  });

  it('names settings by path, with both values', () => {
    expect(edited(set(['cilium', 'wireguard'], true), set(['network', 'mtu'], 1400))).toEqual([
      'network.mtu: 0 → 1400',
      'cilium.wireguard: false → true',
    ]);
    expect(edited(set(['cilium', 'operatorReplicas'], 3))).toEqual(['cilium.operatorReplicas: added 3']);
    expect(edited({ op: 'remove', path: ['registration', 'dnsName'] })).toEqual([
      'registration.dnsName: removed, was "lb.example.com"',
    ]);
  });

  it('names nodes by name and matches them by id', () => {
    expect(edited(set(['nodes', 1, 'name'], 'server-two'))).toEqual(['nodes[s2].name: "s2" → "server-two"']);
    expect(edited(set(['nodes', 3, 'labels'], { env: 'prod' }))).toEqual([
      'nodes[a1].labels.env: added "prod"',
    ]);
    expect(edited({ op: 'remove', path: ['nodes', 5] })).toEqual([
      'nodes[a3]: removed, was {"internalIp":"192.168.10.15","name":"a3","role":"agent"}',
    ]);
    expect(
      edited(set(['nodes', 8], { id: 'n-a4', name: 'a4', role: 'agent', internalIp: '192.168.10.16' })),
    ).toEqual(['nodes[a4]: added {"internalIp":"192.168.10.16","name":"a4","role":"agent"}']);
  });

  it('tells a new order, because the first server starts the cluster, and is silent about positions', () => {
    const [s1, s2, ...rest] = exampleLayout().nodes;
    expect(edited(set(['nodes'], [s2, s1, ...rest]))).toEqual([
      'nodes, order: ["s1","s2","s3","a1","a2","a3","lb1","lb2"] → ["s2","s1","s3","a1","a2","a3","lb1","lb2"]',
    ]);
    expect(edited(set(['nodes', 0, 'position'], { x: 10, y: 20 }))).toEqual([]);
  });
});

describe('applyEdits', () => {
  it('leaves the given topology as it is', () => {
    const topology = exampleLayout();
    applyEdits(topology, [set(['cilium', 'hubble', 'enabled'], false), { op: 'remove', path: ['nodes', 0] }]);
    expect(topology).toEqual(exampleLayout());
  });

  it('refuses what would be no topology and places that do not exist', () => {
    const apply = (edit: TopologyEdit) => () => applyEdits(exampleLayout(), [edit]);
    expect(apply(set(['cilium', 'wireguard'], 'yes'))).toThrow('expected boolean');
    expect(apply(set(['colour'], 'red'))).toThrow('colour');
    expect(apply(set(['__proto__', 'polluted'], true))).toThrow();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(apply(set(['nodes', 99, 'name'], 'x'))).toThrow('no place nodes[99].name');
    expect(apply(set(['pattern', 'x'], 1))).toThrow('no place pattern.x');
    expect(apply({ op: 'remove', path: [] })).toThrow('cannot be removed');
  });

  it('writes paths as people do', () => {
    expect([toPathText([]), toPathText(['nodes', 2, 'name'])]).toEqual(['topology', 'nodes[2].name']);
  });
});
