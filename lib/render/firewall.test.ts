import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { exampleLayout, SERVER_TOKEN } from '@/lib/testing/example-layout';
import type { TopologyInput } from '@/lib/topology/topology';
import { FIREWALL_PATH } from './firewall';
import { renderEveryFile } from './render-every-file';

const firewallOf = (name: string, changes: Partial<TopologyInput> = {}) => {
  const topology = exampleLayout({
    security: { serverToken: SERVER_TOKEN, firewall: 'nftables' },
    ...changes,
  });
  return renderEveryFile(topology, NodeId.parse(`n-${name}`)).find(({ path }) => path === FIREWALL_PATH)
    ?.content;
};
const linesOf = (name: string, ruleId: string, changes: Partial<TopologyInput> = {}) =>
  (firewallOf(name, changes) ?? '').split('\n').filter((line) => line.endsWith(`comment "${ruleId}"`));

describe('the firewall of a node', () => {
  it('reads as committed for each role of the example layout', async () => {
    const listing = ['s1', 'a1', 'lb1'].map((name) => `=== ${name}\n${firewallOf(name)}`).join('\n');
    await expect(listing).toMatchFileSnapshot('./__golden__/firewalls.txt');
  });

  it('is there where the topology asks for it, on load balancers too', () => {
    expect(firewallOf('s1', { security: { serverToken: SERVER_TOKEN } })).toBeUndefined();
    for (const name of ['s1', 'a1', 'lb1']) expect(firewallOf(name)).toContain('policy drop;');
  });

  it('lets etcd’s traffic in on servers, from servers only', () => {
    expect(linesOf('s1', 'etcd')).toEqual([
      '    ip saddr @servers tcp dport { 2379-2380 } accept comment "etcd"',
    ]);
    expect(linesOf('a1', 'etcd')).toEqual([]);
    expect(firewallOf('s1')).toContain(
      '  set servers {\n    type ipv4_addr\n    elements = { 192.168.10.10, 100.64.1.10, 192.168.10.11, 100.64.1.11, 192.168.10.12, 100.64.1.12 }\n  }\n',
    );
  });

  it('follows the settings as the port matrix does', () => {
    expect(linesOf('a1', 'vxlan')).toHaveLength(1);
    expect(linesOf('a1', 'vxlan', { cilium: { tunnelProtocol: 'geneve' } })).toEqual([]);
    expect(linesOf('a1', 'geneve', { cilium: { tunnelProtocol: 'geneve' } })).toHaveLength(1);
    expect(linesOf('a1', 'wireguard', { cilium: { wireguard: true } })).toHaveLength(1);
    expect(firewallOf('a1')).not.toMatch(/\b(2381|4245|51871)\b/);
  });

  it('opens figures to the nodes only, and the API and ingress to everybody', () => {
    expect(linesOf('s1', 'operator-metrics')).toEqual([
      '    ip saddr @nodes tcp dport { 9963 } accept comment "operator-metrics"',
    ]);
    expect(linesOf('s1', 'agent-metrics', { cilium: { prometheus: true } })).toEqual([
      '    ip saddr @nodes tcp dport { 9962 } accept comment "agent-metrics"',
    ]);
    expect(linesOf('s1', 'api-clients')).toEqual(['    tcp dport { 6443 } accept comment "api-clients"']);
    expect(linesOf('a1', 'ingress-https', { rke2: { ingressController: 'traefik' } })).toEqual([
      '    tcp dport { 443 } accept comment "ingress-https"',
    ]);
  });

  it('lets the load balancers agree by VRRP, and gives them none of the cluster’s ports', () => {
    expect(linesOf('lb1', 'vrrp')).toEqual(['    ip saddr @lbs ip protocol 112 accept comment "vrrp"']);
    expect(linesOf('s1', 'vrrp')).toEqual([]);
    expect(firewallOf('lb1')).not.toMatch(/cilium|10250|2379|10\.42/);
  });

  it('never shuts Siteplan out: SSH where the document dials, and on 22 behind a forwarded port', () => {
    const { nodes } = exampleLayout();
    const moved = nodes.map((node) => ({ ...node, ssh: { ...node.ssh, port: 2222 } }));
    expect(linesOf('s1', 'ssh')).toEqual(['    tcp dport { 22 } accept comment "ssh"']);
    expect(linesOf('s1', 'ssh', { nodes: moved })).toEqual([
      '    tcp dport { 22, 2222 } accept comment "ssh"',
    ]);
    expect(linesOf('lb1', 'ssh-lb')).toHaveLength(1);
  });

  it('touches no table of Cilium’s or Kubernetes’, and no forwarded traffic', () => {
    for (const name of ['s1', 'lb1'])
      expect(firewallOf(name)).not.toMatch(/flush|hook (forward|output|prerouting)/);
  });
});
