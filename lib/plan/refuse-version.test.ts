import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '@/lib/health/facts';
import { factsWith, layout, running, withFacts } from '@/lib/testing/example-site';
import { Topology } from '@/lib/topology/topology';
import { refusePlan } from './refuse-plan';

/** What is said of the first server with that RKE2, where the topology asks for another one. */
function refuse(found: string, wanted: string, more: Partial<NodeFacts> = {}) {
  const topology = Topology.parse({ ...layout, rke2: { ...layout.rke2, version: wanted } });
  const others = factsWith(topology, running).map((node) => ({ ...node, rke2Version: wanted }));
  const facts = withFacts(others, 's1', () => ({ rke2Version: found, ...more }));
  return refusePlan(topology, facts, 'apply');
}

describe('an upgrade to etcd 3.6', () => {
  it.each([
    ['v1.33.7+rke2r1', 'v1.33.11+rke2r1'],
    ['v1.33.7+rke2r2', 'v1.33.11+rke2r1'],
    ['v1.33.7-rc1+rke2r3', 'v1.33.11+rke2r1'],
    ['v1.33.0+rke2r1', 'v1.34.0+rke2r1'],
    ['v1.33.7+rke2r1', 'v1.34.10+rke2r1'],
    ['v1.32.11+rke2r1', 'v1.33.11+rke2r1'],
    ['v1.32.11+rke2r1', 'v1.34.0+rke2r1'],
  ])('from %s to %s stops first at a patch whose etcd is 3.5.26', (found, wanted) => {
    const problems = refuse(found, wanted);
    expect(problems.map(({ code, nodeId }) => `${code} ${nodeId ?? ''}`)).toEqual(['etcd-stop n-s1']);
    expect(problems[0]?.message).toContain(`s1 has RKE2 ${found}, whose etcd is older than 3.5.26`);
    expect(problems[0]?.nextAction).toContain('Go to v1.33.10+rke2r3 first, on all servers');
  });

  it.each([
    ['v1.33.7+rke2r3', 'v1.33.11+rke2r1'],
    ['v1.33.10+rke2r3', 'v1.34.0+rke2r1'],
    ['v1.33.11+rke2r1', 'v1.34.0+rke2r1'],
    ['v1.33.0+rke2r1', 'v1.33.10+rke2r3'],
    ['v1.32.0+rke2r1', 'v1.33.10+rke2r3'],
    ['v1.32.11+rke2r3', 'v1.33.11+rke2r1'],
    ['v1.34.0+rke2r1', 'v1.35.7+rke2r1'],
  ])('from %s to %s goes straight', (found, wanted) => expect(refuse(found, wanted)).toEqual([]));

  it('matters only where etcd has data', () => {
    const bare = { hasEtcdData: false, stamps: {} };
    const problems = refuse('v1.33.0+rke2r1', 'v1.34.0+rke2r1', bare);
    expect(problems.map(({ code }) => code)).not.toContain('etcd-stop');
    // An agent has none.
    const topology = Topology.parse({ ...layout, rke2: { ...layout.rke2, version: 'v1.34.0+rke2r1' } });
    const facts = factsWith(topology, running).map((node) => ({
      ...node,
      rke2Version: node.hasEtcdData ? 'v1.34.0+rke2r1' : 'v1.33.0+rke2r1',
    }));
    expect(refusePlan(topology, facts, 'apply')).toEqual([]);
  });

  it('of two minors at once is refused as such where no stop would make it one', () => {
    for (const found of ['v1.31.0+rke2r1', 'v1.32.11+rke2r3'])
      expect(refuse(found, 'v1.34.0+rke2r1').map(({ code }) => code)).toEqual(['minor-skipped']);
  });
});
