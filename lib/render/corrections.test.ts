import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { arbitraryTopology } from '@/lib/testing/arbitrary-topology';
import { edgeLayout } from '@/lib/testing/edge-layout';
import { exampleLayout, oneServer } from '@/lib/testing/example-layout';
import type { Topology } from '@/lib/topology/topology';
import { toCiliumValues } from './cilium-config';
import { renderNode } from './render-node';
import { RKE2_CONFIG_PATH } from './rke2-config';

/* Where the architecture text is out of date, the files say what is correct today, in every pattern. */

const PATTERNS = [
  ['ha', exampleLayout],
  ['edge', edgeLayout],
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

  it('leaves gzip of API answers on, as Kubernetes has it, and says a word only to switch it off', () => {
    const gatesOf = (changes = {}) =>
      configsOf(toTopology(changes)).map(({ role, config }) => {
        const flags = z.array(z.string()).parse(config['kube-apiserver-arg'] ?? []);
        return [role, flags.filter((flag) => flag.includes('APIResponseCompression'))];
      });
    for (const [, gates] of gatesOf()) expect(gates).toEqual([]);
    for (const [role, gates] of gatesOf({ edge: { apiCompression: false } }))
      expect(gates).toEqual(role === 'server' ? ['feature-gates=APIResponseCompression=false'] : []);
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

  it('expose figures to Prometheus where the topology asks for them', () => {
    expect(toCiliumValues(exampleLayout({ cilium: { prometheus: true } }))).toMatchObject({
      prometheus: { enabled: true },
      hubble: { metrics: { enabled: expect.arrayContaining(['drop', 'flow']) as string[] } },
    });
    const silent = toCiliumValues(exampleLayout({ cilium: { hubble: { metrics: [] } } }));
    expect(silent).not.toHaveProperty('prometheus');
    expect(silent).toMatchObject({ hubble: { metrics: undefined } });
  });
});
