import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import type { NodeFacts } from '@/lib/health/facts';
import { RKE2_CONFIG_PATH } from '@/lib/render/rke2-config';
import { applyPlanToFacts } from '@/lib/testing/apply-plan-to-facts';
import { exampleLayout } from '@/lib/testing/example-layout';
import {
  bare,
  factsWith,
  layout,
  plan,
  running,
  withFacts,
  withServers,
  withUnit,
} from '@/lib/testing/example-site';
import { Topology } from '@/lib/topology/topology';
import { refusePlan } from './refuse-plan';

describe('what is told before a host is touched', () => {
  const refuse = (topology: Topology, facts: readonly NodeFacts[]) => refusePlan(topology, facts, 'apply');

  it('is a bare first server beside a running cluster: it would start a second one', () => {
    const wrong = withServers(layout, 'first', 's0');
    const found = refuse(wrong, factsWith(wrong, running));
    expect(found.map(({ code, nodeId }) => `${code} ${nodeId ?? ''}`)).toContain('first-server-bare n-s0');
    expect(found[0]?.message).toContain('s0 would start a second cluster');
    const right = withServers(layout, 'last', 's0');
    expect(refuse(right, factsWith(right, running))).toEqual([]);
  });

  it('is a drawing without one server of the cluster whose agents run: its first one would start a second', () => {
    const others = layout.nodes.filter(({ role }) => role !== 'server');
    const servers = layout.nodes
      .filter(({ role }) => role === 'server')
      .map((node, index) => ({
        ...node,
        id: NodeId.parse(`n-t${index}`),
        name: `t${index}`,
        internalIp: `192.168.10.${40 + index}`,
      }));
    const wrong = Topology.parse({ ...layout, nodes: [...servers, ...others] });
    const found = refuse(wrong, factsWith(wrong, running));
    expect(found.map(({ code, nodeId }) => `${code} ${nodeId ?? ''}`)).toEqual(['servers-replaced n-t0']);
    expect(found[0]?.message).toContain('whose agents run on a1, a2, a3: t0 would start a second cluster');
    // Agents that stand still, or that are somebody else's, have no cluster of ours.
    const still = ['a1', 'a2', 'a3'].reduce<readonly NodeFacts[]>(
      (facts, name) => withFacts(facts, name, withUnit('rke2-agent.service', 'inactive')),
      running,
    );
    expect(refuse(wrong, factsWith(wrong, still))).toEqual([]);
    const kept = Topology.parse({ ...layout, nodes: [layout.nodes[0], ...servers.slice(1), ...others] });
    expect(refuse(kept, factsWith(kept, running))).toEqual([]);
  });

  it.each([
    ['the name of a server', 's2', { name: 't2' }, 'node-name s2, the topology asks for t2'],
    ['the name of an agent', 'a1', { name: 't1' }, 'node-name a1, the topology asks for t1'],
    [
      'the address of a server',
      's2',
      { internalIp: '192.168.10.77' },
      'node-ip 192.168.10.11, the topology asks for 192.168.10.77',
    ],
  ])('is %s that runs, not of a host that is bare', (_what, name, change, words) => {
    const nodes = layout.nodes.map((node) => (node.name === name ? { ...node, ...change } : node));
    const renamed = Topology.parse({ ...layout, nodes });
    const found = refuse(renamed, running);
    expect(found.map(({ code, nodeId }) => `${code} ${nodeId ?? ''}`)).toEqual([`node-identity n-${name}`]);
    expect(found[0]?.message).toContain(words);
    expect(found[0]?.nextAction).toContain('remove the node');
    expect(refuse(renamed, bare(renamed))).toEqual([]);
  });

  it('is not a token that pins another CA, or none, as long as its password is the same', () => {
    const withToken = (token: string) =>
      withFacts(running, 's2', (facts) => {
        const file = facts.files[RKE2_CONFIG_PATH];
        const content = file?.content?.replace(/^token: .*$/m, `token: "${token}"`) ?? '';
        return {
          ...facts,
          files: { ...facts.files, [RKE2_CONFIG_PATH]: file ? { ...file, content } : null },
        };
      });
    const slot = '⟦secret sec-server v1⟧';
    for (const token of [slot, `K10${'ab'.repeat(32)}::server:${slot}`]) {
      const facts = withToken(token);
      expect(refuse(layout, facts)).toEqual([]);
      expect(plan(layout, facts).steps.map(({ kind, nodeId }) => `${kind} ${nodeId}`)).toContain(
        'file.put n-s2',
      );
    }
    const other = refuse(layout, withToken(`K10${'ab'.repeat(32)}::server:⟦secret sec-other v1⟧`));
    expect(other.map(({ message }) => message)).toEqual([
      's2 runs with another token than the topology names.',
    ]);
  });

  it('is not the address of an agent, which the cluster follows', () => {
    const nodes = layout.nodes.map((node) =>
      node.name === 'a1' ? { ...node, internalIp: '192.168.10.77' } : node,
    );
    expect(refuse(Topology.parse({ ...layout, nodes }), running)).toEqual([]);
  });

  it.each([
    ['cluster-cidr', { network: { ...layout.network, clusterCidr: '10.52.0.0/16' } }, '10.52.0.0/16'],
    ['service-cidr', { network: { ...layout.network, serviceCidr: '10.53.0.0/16' } }, '10.53.0.0/16'],
    ['cluster-domain', { network: { ...layout.network, clusterDomain: 'site.example' } }, 'site.example'],
    ['disable-kube-proxy', { cilium: { ...layout.cilium, kubeProxyReplacement: false } }, 'false'],
    [
      'secrets-encryption-provider',
      { security: { ...layout.security, secretsEncryption: 'secretbox' as const } },
      'secretbox',
    ],
    ['embedded-registry', { edge: { ...layout.edge, embeddedRegistry: true } }, 'true'],
  ])('is %s, which all servers share, on each server that has another one', (key, change, wanted) => {
    const found = refuse(exampleLayout(change), running);
    expect(found.map(({ code, nodeId }) => `${code} ${nodeId ?? ''}`)).toEqual(
      ['s1', 's2', 's3'].map((name) => `critical-value n-${name}`),
    );
    expect(found[0]?.message).toContain(`s1 runs with ${key} `);
    expect(found[0]?.message).toContain(`the topology asks for ${wanted}`);
  });

  it('is another token, without a word of what it is', () => {
    const other = { ...layout.security.serverToken, version: 7 };
    const found = refuse(
      exampleLayout({ security: { ...layout.security, serverToken: other as never } }),
      running,
    );
    expect(found[0]?.message).toBe('s1 runs with another token than the topology names.');
  });

  it('is nothing where a file on the host says the same in another form', () => {
    const text =
      '# by hand\ncni:\n  - "cilium"\ncluster-cidr: \'10.42.0.0/16\' # ours\ndisable-kube-proxy: true\n';
    const facts = withFacts(running, 's2', (node) => {
      const own = node.files[RKE2_CONFIG_PATH];
      const tokens = (own?.content ?? '').split('\n').filter((line) => /^(agent-)?token:/.test(line));
      return {
        files: own
          ? { ...node.files, [RKE2_CONFIG_PATH]: { ...own, content: `${text}${tokens.join('\n')}\n` } }
          : node.files,
      };
    });
    expect(refuse(layout, facts)).toEqual([]);
  });

  it('is, for a single server, only what a cluster keeps for its life', () => {
    const one = Topology.parse({
      ...layout,
      nodes: layout.nodes.slice(0, 1),
      registration: { via: 'server' },
    });
    const facts = applyPlanToFacts(bare(one), plan(one, bare(one)).steps);
    const withProxy = Topology.parse({ ...one, cilium: { ...one.cilium, kubeProxyReplacement: false } });
    expect(refuse(withProxy, facts)).toEqual([]);
    const moved = Topology.parse({ ...one, network: { ...one.network, clusterCidr: '10.52.0.0/16' } });
    expect(refuse(moved, facts).map(({ code }) => code)).toEqual(['critical-value']);
  });

  it('is a load balancer without the interface of its virtual IP', () => {
    const none = exampleLayout({ registration: { ...layout.registration, interface: undefined } });
    expect(refuse(none, bare(none)).map(({ code, nodeId }) => `${code} ${nodeId ?? ''}`)).toEqual([
      'interface-missing n-lb1',
      'interface-missing n-lb2',
    ]);
    const other = exampleLayout({ registration: { ...layout.registration, interface: 'ens3' } });
    expect(refuse(other, bare(other))[0]?.message).toBe(
      'lb1 has no interface ens3 with an address. 192.168.10.8 is on eth0 there.',
    );
  });

  it('is a host that serves in another role', () => {
    const server = withFacts(bare(layout), 'lb1', withUnit('rke2-server.service', 'active'));
    expect(refuse(layout, server)[0]?.message).toBe('lb1 runs rke2-server, the topology says lb.');
    const balancer = withFacts(bare(layout), 's1', () => ({ stamps: { 'lb-ready': 'x' } }));
    expect(refuse(layout, balancer)[0]?.message).toBe('s1 runs a load balancer, the topology says server.');
  });
});
