import { API_PORT } from '@/lib/topology/registration';
import { clusterNodes } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';
import { toYaml } from './to-yaml';
import type { YamlValue } from './to-yaml';

export const CILIUM_CONFIG_PATH = '/var/lib/rancher/rke2/server/manifests/rke2-cilium-config.yaml';

/**
 * The HelmChartConfig of Cilium, on every server with the same text: RKE2 does not sync manifests, and different
 * ones would fight (RKE2 docs networking/basic_network_options, add-ons/helm). The deploy controller notices changes itself.
 */
export function renderCiliumConfig(topology: Topology): RenderedFile {
  const config = {
    apiVersion: 'helm.cattle.io/v1',
    kind: 'HelmChartConfig',
    metadata: { name: 'rke2-cilium', namespace: 'kube-system' },
    spec: { valuesContent: toYaml(toCiliumValues(topology)) },
  };
  return toPlainFile({
    path: CILIUM_CONFIG_PATH,
    mode: '0600',
    body: toYaml(config),
    purpose: 'Values for the Cilium chart that RKE2 ships.',
  });
}

/**
 * Values of the rke2-cilium chart 1.19: names and types as its values.yaml and values.schema.json have them
 * (`MTU` and replicas integers, metrics a list). Where the chart's default is what the topology says, the value
 * still stands when the chart's default differs from Cilium's own (Hubble), so that the file tells the whole.
 */
export function toCiliumValues(topology: Topology): { readonly [key: string]: YamlValue | undefined } {
  const { cilium, network } = topology;
  const isNative = cilium.routing === 'native';
  const isDsr = cilium.loadBalancingMode === 'dsr';
  return {
    kubeProxyReplacement: cilium.kubeProxyReplacement,
    // Without kube-proxy nothing reaches the ClusterIP yet; loopback works on servers and, by RKE2's own balancer, on agents.
    ...(cilium.kubeProxyReplacement && { k8sServiceHost: '127.0.0.1', k8sServicePort: String(API_PORT) }),
    bpf: { masquerade: cilium.bpfMasquerade },
    ...(isDsr && {
      loadBalancer: { mode: 'dsr', dsrDispatch: isNative ? 'opt' : 'geneve' },
    }),
    routingMode: cilium.routing,
    ...(isNative
      ? { autoDirectNodeRoutes: true, ipv4NativeRoutingCIDR: network.clusterCidr }
      : { tunnelProtocol: cilium.tunnelProtocol }),
    MTU: network.mtu === 0 ? undefined : network.mtu,
    ...(cilium.wireguard && { encryption: { enabled: true, type: 'wireguard' } }),
    policyEnforcementMode: cilium.policyEnforcement,
    operator: { replicas: operatorReplicas(topology) },
    ...(cilium.prometheus && { prometheus: { enabled: true } }),
    hubble: toHubbleValues(cilium.hubble),
  };
}

function toHubbleValues(hubble: Topology['cilium']['hubble']): YamlValue {
  if (!hubble.enabled) return { enabled: false };
  return {
    enabled: true,
    relay: { enabled: hubble.relay || hubble.ui },
    ui: { enabled: hubble.ui },
    metrics: hubble.metrics.length === 0 ? undefined : { enabled: hubble.metrics },
    // By `helm`, the chart's default, certificates end after 365 days unless Helm happens to render again.
    tls: { auto: { method: 'cronJob' } },
  };
}

/**
 * One at the edge, where a spare only costs memory, and on one node, where anti-affinity would leave a second Pending
 * (rke2-cilium chart, operator.replicas).
 */
function operatorReplicas(topology: Topology): number {
  const needsOne = topology.pattern === 'edge' || clusterNodes(topology).length === 1;
  return topology.cilium.operatorReplicas ?? (needsOne ? 1 : 2);
}
