import { describe, expect, it } from 'vitest';
import type { ClusterNodeFact, NodeFacts } from '@/lib/health/facts';
import { layout, plan, running, withFacts, withUnit } from '@/lib/testing/example-site';
import { clusterNodes } from '@/lib/topology/find-node';
import { Topology } from '@/lib/topology/topology';
import { hashFacts } from './hash-facts';
import { Plan } from './plan';
import { printPlan } from './print-plan';
import { refusePlan } from './refuse-plan';

const drawn: ClusterNodeFact[] = clusterNodes(layout).map(({ name, role }) => ({
  name,
  role: role === 'server' ? 'server' : 'agent',
  isVoter: role === 'server',
}));
const server = (name: string, isVoter = true): ClusterNodeFact => ({ name, role: 'server', isVoter });
const agent = (name: string): ClusterNodeFact => ({ name, role: 'agent', isVoter: false });
/** The running layout, whose second server tells of these Nodes beside the drawn ones. */
const withNodes = (...more: ClusterNodeFact[]): readonly NodeFacts[] =>
  withFacts(running, 's2', () => ({ clusterNodes: [...drawn, ...more] }));

describe('a node of the cluster that the drawing lacks', () => {
  it('is refused where it is a server, with what to do', () => {
    const [problem, ...others] = refusePlan(layout, withNodes(server('s9')), 'apply');
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'undrawn-server', nodeId: null });
    expect(problem?.message).toBe(
      'The cluster has the server s9, which the drawing lacks; it votes in etcd.',
    );
    expect(problem?.nextAction).toContain('kubectl delete node s9');
    expect(refusePlan(layout, withNodes(server('s9', false)), 'apply')[0]?.message).not.toContain('votes');
    expect(refusePlan(layout, withNodes(server('s9')), 'uninstall')).toEqual([]);
  });

  it('is a notice where it is an agent', () => {
    const result = plan(layout, withNodes(agent('a9')));
    expect(result.steps).toEqual([]);
    expect(result.notices).toHaveLength(1);
    expect(result.notices[0]).toContain('The cluster has the agent a9, which the drawing lacks');
    expect(printPlan(result, String)).toContain('\nNote: The cluster has the agent a9');
    expect(result.id).not.toBe(plan(layout, withNodes()).id);
  });

  it('is none where all are drawn, or where the facts are of somebody else', () => {
    expect(plan(layout, withNodes()).notices).toEqual([]);
    const foreign = withFacts(withNodes(agent('a9')), 's2', () => ({ stamps: {}, hasEtcdData: false }));
    expect(plan(layout, foreign).notices).toEqual([]);
  });

  it('is not the old name of a host that is drawn anew: that is told as such', () => {
    const nodes = layout.nodes.map((node) => (node.name === 's3' ? { ...node, name: 't3' } : node));
    const found = refusePlan(Topology.parse({ ...layout, nodes }), withNodes(), 'apply');
    expect(found.map(({ code }) => code)).toEqual(['node-identity']);
  });

  it('changes the hash of facts, as its order does not', () => {
    expect(hashFacts(withNodes(agent('a9')))).not.toBe(hashFacts(withNodes()));
    expect(hashFacts(withNodes(agent('a8'), agent('a9')))).toBe(
      hashFacts(withNodes(agent('a9'), agent('a8'))),
    );
  });

  it('is no notice of a plan stored before there were any', () => {
    const { notices: _notices, ...stored } = plan(layout, running);
    expect(Plan.parse(stored).notices).toEqual([]);
  });
});

it('quorum words count the members that are away', () => {
  const san = Topology.parse({ ...layout, security: { ...layout.security, extraSans: ['k8s.example.net'] } });
  const away = withFacts(withNodes(), 's3', withUnit('rke2-server.service', 'inactive'));
  // The one that stood still is back before another one restarts.
  expect(plan(san, away).steps.flatMap(({ quorum }) => quorum ?? [])).toEqual(['2 of 3', '2 of 3']);
  const failing = withFacts(withNodes(), 's3', withUnit('rke2-server.service', 'activating'));
  expect(plan(san, failing).steps.find(({ restarts }) => restarts.length > 0)?.quorum).toBeNull();
  const uninstall = plan(layout, away, 'uninstall').steps.flatMap(({ quorum }) => quorum ?? []);
  expect(uninstall).toEqual(['1 of 3', '0 of 2']);
});

describe('what is left behind', () => {
  it('is told by an uninstall, servers too', () => {
    const { notices } = plan(layout, withNodes(server('s9'), agent('a9')), 'uninstall');
    expect(notices).toEqual([
      expect.stringMatching(
        /^The cluster has the server s9, .*: it is not uninstalled\. Run rke2-killall\.sh/,
      ),
      expect.stringMatching(/^The cluster has the agent a9, .*: it is not uninstalled\./),
    ]);
  });

  it('is told of a load balancer that the others know as a peer: two would hold the virtual IP', () => {
    const smaller = Topology.parse({ ...layout, nodes: layout.nodes.filter(({ name }) => name !== 'lb2') });
    const facts = running.filter(({ nodeId }) => nodeId !== 'n-lb2');
    expect(plan(smaller, facts).notices).toEqual([
      '192.168.10.9 is a load balancer of this site that the drawing lacks: it would keep the virtual IP beside the drawn ones. Before you apply this, run there: systemctl disable --now keepalived nginx',
    ]);
    expect(plan(layout, running).notices).toEqual([]);
  });

  it('makes no plan stale where one server cannot tell the Nodes for a while', () => {
    const silent = withFacts(withNodes(), 's3', () => ({ clusterNodes: [] }));
    const all = withFacts(withNodes(), 's3', () => ({ clusterNodes: drawn }));
    expect(hashFacts(silent)).toBe(hashFacts(all));
  });
});
