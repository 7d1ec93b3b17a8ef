import { SecretId } from '@/lib/core/ids';
import type { NodeFacts } from '@/lib/health/facts';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';
import { makeFacts } from './make-facts';

/** The first is a server, the others are agents. */
export function makeTopology(count: number): Topology {
  const hosts = Array.from({ length: count }, (_, index) => ({
    id: `n-${index + 1}`,
    internalIp: `192.0.2.${11 + index}`,
  }));
  return Topology.parse({
    ...toDefaultTopology('custom', hosts),
    security: { serverToken: { id: SecretId.parse('sec-join'), version: 1 } },
  });
}

/** Facts of hosts that meet every check. */
export const factsOf = (topology: Topology) => topology.nodes.map((node) => makeFacts(topology, node));

export const unit = (active: string, enabled = 'enabled') => ({ load: 'loaded', active, enabled });

/** Stamps of a host that we installed. */
export const OURS = { 'rke2-install': 'v1.35.7+rke2r1' };

export const RUNNING: Partial<NodeFacts> = {
  stamps: OURS,
  units: { 'rke2-server.service': unit('active') },
  rke2Version: 'v1.35.7+rke2r1',
};
/** A running server with this in its configuration, and kube-proxy replaced as drawn. */
export function configured(more: string): Partial<NodeFacts> {
  const content = `disable-kube-proxy: true\n${more}`;
  const file = { mode: '0600', owner: 'root', group: 'root', content };
  return { ...RUNNING, files: { '/etc/rancher/rke2/config.yaml': file } };
}
