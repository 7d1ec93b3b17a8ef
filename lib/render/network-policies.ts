import type { SegmentPolicy, Topology } from '@/lib/topology/topology';
import { MANAGED_HEADER } from './managed-header';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';
import { toYaml } from './to-yaml';
import type { YamlValue } from './to-yaml';

export const NETWORK_POLICIES_PATH = '/var/lib/rancher/rke2/server/manifests/siteplan-network-policies.yaml';

const NAMESPACE = 'k8s:io.kubernetes.pod.namespace';

/** The topology's segments as CiliumNetworkPolicies, the same file on every server; null without any. */
export function renderNetworkPolicies(topology: Topology): RenderedFile | null {
  const { policies } = topology.cilium;
  if (policies.length === 0) return null;
  const documents = policies.map((policy) => toYaml(toNetworkPolicy(policy, showsDns(topology))));
  return {
    ...toPlainFile({
      path: NETWORK_POLICIES_PATH,
      body: '',
      mode: '0600',
      purpose: 'Which pods may talk to which.',
    }),
    content: MANAGED_HEADER + documents.join('---\n'),
  };
}

/**
 * One segment (Cilium docs security/policy). A policy with an egress section cuts everything that it does not name, so
 * DNS and the API server are named; a selector without a namespace means the policy's own, so others are named too.
 * `isDnsShown` sends lookups through Cilium's proxy, without which Hubble's DNS figures stay empty.
 */
function toNetworkPolicy(policy: SegmentPolicy, isDnsShown: boolean): YamlValue {
  const group = [
    { matchLabels: policy.podLabels },
    ...policy.otherNamespaces.map((name) => ({ matchLabels: { ...policy.podLabels, [NAMESPACE]: name } })),
  ];
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: policy.name, namespace: policy.namespace },
    spec: {
      endpointSelector: { matchLabels: policy.podLabels },
      ingress: [{ fromEndpoints: group }],
      egress: [
        { toEndpoints: group },
        ...(policy.allowDns ? [toDns(isDnsShown)] : []),
        // With kube-proxy replaced the API is seen after translation, so neither its ClusterIP nor a CIDR would match.
        ...(policy.allowApiServer ? [{ toEntities: ['kube-apiserver'] }] : []),
        ...(policy.allowWorld ? [{ toEntities: ['world'] }] : []),
      ],
    },
  };
}

function toDns(isDnsShown: boolean): YamlValue {
  const ports = ['UDP', 'TCP'].map((protocol) => ({ port: '53', protocol }));
  return {
    toEndpoints: [{ matchLabels: { [NAMESPACE]: 'kube-system', 'k8s:k8s-app': 'kube-dns' } }],
    toPorts: [{ ports, ...(isDnsShown && { rules: { dns: [{ matchPattern: '*' }] } }) }],
  };
}

function showsDns({ cilium: { hubble } }: Topology): boolean {
  return hubble.enabled && hubble.metrics.some((metric) => metric === 'dns' || metric.startsWith('dns:'));
}
