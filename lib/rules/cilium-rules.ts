import { clusterNodes } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import type { Fix } from './finding';
import { nodesOnTailnet } from './network-rules';
import { toHit, toSetFix } from './rule';
import type { Rule } from './rule';

const BASIC = 'RKE2 docs networking/basic_network_options';
const VALUES = 'rke2-cilium chart values 1.19';
/** (Cilium documentation, observability/metrics, Hubble exported metrics.) */
const HUBBLE_METRICS = new Set([
  'dns',
  'drop',
  'tcp',
  'flow',
  'port-distribution',
  'icmp',
  'http',
  'httpV2',
  'flows-to-world',
  'policy',
  'sctp',
  'kafka',
]);

/** Settings of Cilium that do not go together, or not with these nodes. */
export const CILIUM_RULES: readonly Rule[] = [
  {
    id: 'kube-proxy-kept',
    severity: 'info',
    source: BASIC,
    find: ({ cilium }) =>
      cilium.kubeProxyReplacement
        ? []
        : [
            toHit(
              ['cilium', 'kubeProxyReplacement'],
              'kube-proxy stays beside Cilium. Changing that later needs a reboot of every node.',
              toSetFix('Replace kube-proxy', ['cilium', 'kubeProxyReplacement'], true),
            ),
          ],
  },
  {
    id: 'bpf-masquerade-needs-kpr',
    severity: 'error',
    source: VALUES,
    find: ({ cilium }) =>
      cilium.bpfMasquerade && !cilium.kubeProxyReplacement
        ? [
            toHit(
              ['cilium', 'bpfMasquerade'],
              'BPF masquerading needs the kube-proxy replacement, which is off; Cilium would not start it.',
              toSetFix('Masquerade by iptables', ['cilium', 'bpfMasquerade'], false),
            ),
          ]
        : [],
  },
  {
    id: 'dsr-needs-kpr',
    severity: 'error',
    source: 'Cilium docs network/kubernetes/kubeproxy-free',
    find: ({ cilium }) =>
      cilium.loadBalancingMode === 'dsr' && !cilium.kubeProxyReplacement
        ? [
            toHit(
              ['cilium', 'loadBalancingMode'],
              'Direct server return is a mode of the kube-proxy replacement, which is off.',
              toSetFix('Use SNAT', ['cilium', 'loadBalancingMode'], 'snat'),
            ),
          ]
        : [],
  },
  {
    id: 'dsr-needs-geneve',
    severity: 'error',
    source: 'Cilium docs network/kubernetes/kubeproxy-free',
    find: ({ cilium }) =>
      cilium.loadBalancingMode === 'dsr' && cilium.routing === 'tunnel' && cilium.tunnelProtocol !== 'geneve'
        ? [
            toHit(
              ['cilium', 'tunnelProtocol'],
              'Direct server return through a tunnel works with Geneve only, because VXLAN has no room for the client’s address.',
              toSetFix('Tunnel with Geneve', ['cilium', 'tunnelProtocol'], 'geneve'),
            ),
          ]
        : [],
  },
  {
    id: 'hubble-off',
    severity: 'warning',
    source: `${VALUES} (RKE2 ships it off)`,
    find: ({ cilium: { hubble } }) =>
      hubble.enabled
        ? []
        : [
            toHit(
              ['cilium', 'hubble', 'enabled'],
              'Hubble is off, so Siteplan can show no flows.',
              toSetFix('Switch Hubble on', ['cilium', 'hubble', 'enabled'], true),
            ),
          ],
  },
  {
    id: 'hubble-relay-off',
    severity: 'warning',
    source: VALUES,
    find: ({ cilium: { hubble } }) =>
      hubble.enabled && !hubble.relay
        ? [
            toHit(
              ['cilium', 'hubble', 'relay'],
              hubble.ui
                ? 'Hubble’s UI needs the relay, so it comes all the same.'
                : 'Without Hubble Relay, flows have to be read from every node on its own.',
              toSetFix('Switch the relay on', ['cilium', 'hubble', 'relay'], true),
            ),
          ]
        : [],
  },
  {
    id: 'hubble-metrics-http-twice',
    severity: 'error',
    source: 'Cilium docs observability/metrics',
    find: ({ cilium: { hubble } }) => {
      const names = hubble.metrics.map(toMetricName);
      if (!names.includes('http') || !names.includes('httpV2')) return [];
      return [
        toHit(
          ['cilium', 'hubble', 'metrics'],
          'The metrics http and httpV2 cannot both be on.',
          toSetFix(
            'Keep httpV2',
            ['cilium', 'hubble', 'metrics'],
            hubble.metrics.filter((metric) => toMetricName(metric) !== 'http'),
          ),
        ),
      ];
    },
  },
  {
    id: 'hubble-metric-unknown',
    severity: 'warning',
    source: 'Cilium docs observability/metrics',
    find: ({ cilium: { hubble } }) => {
      const isKnown = (metric: string) => HUBBLE_METRICS.has(toMetricName(metric));
      return hubble.metrics
        .filter((metric) => !isKnown(metric))
        .map((metric) =>
          toHit(
            ['cilium', 'hubble', 'metrics'],
            `Hubble has no metric ${toMetricName(metric)} that Siteplan knows.`,
            toSetFix('Keep the known ones', ['cilium', 'hubble', 'metrics'], hubble.metrics.filter(isKnown)),
          ),
        );
    },
  },
  {
    id: 'operator-replicas',
    severity: 'error',
    source: `${VALUES} (operator anti-affinity by host name)`,
    find: (topology) => {
      const count = clusterNodes(topology).length;
      const replicas = topology.cilium.operatorReplicas;
      if (replicas === undefined || count === 0 || replicas <= count) return [];
      return [
        toHit(
          ['cilium', 'operatorReplicas'],
          `${replicas} replicas of the Cilium operator need as many nodes; with ${count} the rest stays Pending.`,
          toSetFix(`Use ${Math.min(count, 2)}`, ['cilium', 'operatorReplicas'], Math.min(count, 2)),
        ),
      ];
    },
  },
  {
    id: 'native-over-tailnet',
    severity: 'error',
    source: 'Tailscale and Cilium documentation (layer 3 tunnel, no common layer 2)',
    find: (topology) =>
      topology.cilium.routing === 'native' && nodesOnTailnet(topology).length > 0
        ? [
            toHit(
              ['cilium', 'routing'],
              'Native routing needs nodes on one layer 2; the tailnet is layer 3 and drops pods’ addresses.',
              toTunnelFix(topology),
            ),
          ]
        : [],
  },
  {
    id: 'double-encryption',
    severity: 'warning',
    source: 'Cilium pkg/mtu; Tailscale net/tstun (MTU 1280)',
    find: (topology) =>
      topology.cilium.wireguard && nodesOnTailnet(topology).length > 0
        ? [
            toHit(
              ['cilium', 'wireguard'],
              'Nodes talk over Tailscale, which encrypts already; WireGuard on top costs CPU and leaves pods an MTU of 1150.',
              toSetFix('Leave encryption to Tailscale', ['cilium', 'wireguard'], false),
            ),
          ]
        : [],
  },
  {
    id: 'policy-always',
    severity: 'warning',
    source: 'Cilium docs security/policy/intro (policy enforcement modes)',
    find: ({ cilium }) =>
      cilium.policyEnforcement === 'always'
        ? [
            toHit(
              ['cilium', 'policyEnforcement'],
              'With “always”, pods without a policy reach nothing, not even DNS and the API server, so the cluster’s own add-ons stop.',
              toSetFix('Use default', ['cilium', 'policyEnforcement'], 'default'),
            ),
          ]
        : [],
  },
];

/** Direct server return through a tunnel asks for Geneve. */
function toTunnelFix({ cilium }: Topology): Fix {
  const fix = toSetFix('Use a tunnel', ['cilium', 'routing'], 'tunnel');
  if (cilium.loadBalancingMode !== 'dsr') return fix;
  return {
    title: 'Use a Geneve tunnel',
    edits: [...fix.edits, { op: 'set', path: ['cilium', 'tunnelProtocol'], value: 'geneve' }],
  };
}

function toMetricName(metric: string): string {
  return metric.split(':', 1)[0] ?? metric;
}
