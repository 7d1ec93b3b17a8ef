import { describe, expect, it } from 'vitest';
import { applyPlanToFacts } from '@/lib/testing/apply-plan-to-facts';
import { bare, layout, plan, running, withServers, factsWith } from '@/lib/testing/example-site';
import { Topology } from '@/lib/topology/topology';
import { withoutLabels } from './file-work';

const withNode = (name: string, change: object, topology: Topology = layout): Topology =>
  Topology.parse({
    ...topology,
    nodes: topology.nodes.map((node) => (node.name === name ? { ...node, ...change } : node)),
  });
const linesOf = (topology: Topology, facts = running) =>
  plan(topology, facts).steps.map(({ nodeId, kind }) => `${nodeId} ${kind}`);
describe('labels and taints of a drawing', () => {
  const changed = withNode('a1', {
    labels: { env: 'edge' },
    taints: [{ key: 'gpu', effect: 'NoExecute' }],
  });

  it('are set on the registered Node, and restart nothing', () => {
    const result = plan(changed, running);
    expect(linesOf(changed)).toEqual(['n-a1 file.put', 'n-s1 nodes.label', 'n-s1 cluster.verify']);
    const [file, label, verify] = result.steps;
    expect(file?.params['dropsStamps']).toEqual([]);
    expect(file?.effect).toContain('count when the node registers anew; nothing restarts');
    expect(label?.dependsOn).toEqual([file?.id]);
    expect(label?.effect).toContain('NoExecute ends the pods');
    expect(verify?.dependsOn).toEqual([label?.id]);
    expect(plan(changed, applyPlanToFacts(running, result.steps)).steps).toEqual([]);
  });

  it('go with a step of their own when the drawing has none any more', () => {
    const labelled = applyPlanToFacts(running, plan(changed, running).steps);
    expect(linesOf(layout, labelled)).toEqual(['n-a1 file.put', 'n-s1 nodes.label', 'n-s1 cluster.verify']);
    expect(linesOf(layout, applyPlanToFacts(labelled, plan(layout, labelled).steps))).toEqual([]);
  });

  it('are no step where there never were any', () => {
    expect(linesOf(layout, bare(layout)).filter((line) => line.endsWith('nodes.label'))).toEqual([]);
  });

  it('are a step of a first apply, after the last node is Ready', () => {
    const { steps } = plan(changed, bare(changed));
    const label = steps.findIndex(({ kind }) => kind === 'nodes.label');
    expect(steps.slice(label).map(({ kind }) => kind)).toEqual(['nodes.label', 'cluster.verify']);
  });

  it('need no step for a node without any', () => {
    const labelled = applyPlanToFacts(running, plan(changed, running).steps);
    const more = withServers(changed, 'last', 's4');
    const kinds = plan(more, factsWith(more, labelled)).steps.map(({ kind }) => kind);
    expect(kinds).not.toContain('nodes.label');
  });

  it('beside another change leave its restart as it is', () => {
    const both = Topology.parse({
      ...changed,
      security: { ...changed.security, extraSans: ['k8s.example.net'] },
    });
    const result = plan(both, running);
    const restarts = result.steps
      .filter(({ kind }) => kind === 'service.restart')
      .map(({ nodeId }) => nodeId);
    expect(restarts).toEqual(['n-s1', 'n-s2', 'n-s3']);
    expect(plan(both, applyPlanToFacts(running, result.steps)).steps).toEqual([]);
  });
});

it('a file without labels is the file without those lists alone', () => {
  const text =
    'node-name: a1\nnode-label:\n  - a=b\n  - c=d\nnode-taint:\n- x:NoExecute\nkubelet-arg:\n  - v=2\n';
  expect(withoutLabels(text)).toBe('node-name: a1\nkubelet-arg:\n  - v=2\n');
  expect(withoutLabels('x-node-label:\n  - a\n')).toBe('x-node-label:\n  - a\n');
});
