import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { arbitraryTopology } from '@/lib/testing/arbitrary-topology';
import { exampleLayout, oneServer, SERVER_TOKEN } from '@/lib/testing/example-layout';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';
import type { TopologyInput } from '@/lib/topology/topology';
import { toCiliumValues } from './cilium-config';
import { renderNode } from './render-node';
import { RKE2_CONFIG_PATH } from './rke2-config';

/* Where the architecture text is out of date, the files say what is correct today, in every pattern. */

function edgeSite(changes: Partial<TopologyInput> = {}): Topology {
  const hosts = [1, 2, 3].map((place) => ({ id: `n-${place}x`, internalIp: `100.64.1.${place}` }));
  const base = toDefaultTopology('edge', hosts);
  return Topology.parse({ ...base, security: { serverToken: SERVER_TOKEN }, ...changes });
}

const PATTERNS = [
  ['ha', exampleLayout],
  ['edge', edgeSite],
  ['custom', oneServer],
] as const;

/** config.yaml of every node of the cluster, by role. */
function configsOf(topology: Topology) {
  return topology.nodes
    .filter(({ role }) => role !== 'lb')
    .map(({ id, role }) => {
      const file = renderNode(topology, id).find(({ path }) => path === RKE2_CONFIG_PATH);
      return { role, config: z.record(z.string(), z.unknown()).parse(parse(file?.content ?? '')) };
    });
}

describe.each(PATTERNS)('the pattern %s', (_pattern, toTopology) => {
  it('has Cilium as its network, chosen by the servers', () => {
    const configs = configsOf(toTopology());
    expect(configs.length).toBeGreaterThan(0);
    for (const { role, config } of configs) expect(config.cni).toBe(role === 'server' ? 'cilium' : undefined);
  });

  it('runs kube-proxy exactly where Cilium does not replace it, and agents have no say', () => {
    for (const isReplaced of [true, false]) {
      const cilium = { kubeProxyReplacement: isReplaced, bpfMasquerade: isReplaced };
      for (const { role, config } of configsOf(toTopology({ cilium })))
        expect(config['disable-kube-proxy']).toBe(role === 'server' ? isReplaced : undefined);
    }
  });

  it('joins by https on 9345, never by 6443', () => {
    const urls = configsOf(toTopology()).flatMap(({ config }) => (config.server ? [config.server] : []));
    expect(urls).toHaveLength(toTopology().nodes.filter(({ role }) => role !== 'lb').length - 1);
    for (const url of urls) expect(url).toMatch(/^https:\/\/[^/:]+:9345$/);
  });

  it('leaves the intervals of etcd to RKE2 until somebody sets them', () => {
    for (const { config } of configsOf(toTopology())) expect(config).not.toHaveProperty('etcd-arg');
  });
});

describe('the values for Cilium’s chart, of any topology', () => {
  it('say true or false for kube-proxy, and where the API is exactly when it is replaced', () => {
    fc.assert(
      fc.property(arbitraryTopology, (topology) => {
        const values = toCiliumValues(topology);
        expect(typeof values.kubeProxyReplacement).toBe('boolean');
        const place = values.kubeProxyReplacement ? ['127.0.0.1', '6443'] : [undefined, undefined];
        expect([values.k8sServiceHost, values.k8sServicePort]).toEqual(place);
      }),
    );
  });

  it('name routing and tunnel as charts since 1.15 want it', () => {
    fc.assert(
      fc.property(arbitraryTopology, (topology) => {
        const { routingMode, tunnelProtocol, ...others } = toCiliumValues(topology);
        expect(['tunnel', 'native']).toContain(routingMode);
        expect(routingMode === 'tunnel' ? ['vxlan', 'geneve'] : [undefined]).toContain(tunnelProtocol);
        expect(Object.keys(others)).not.toContain('tunnel');
        expect(Object.keys(others)).not.toContain('hostServices');
      }),
    );
  });
});
