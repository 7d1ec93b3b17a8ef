import { exampleLayout, oneServer, SERVER_TOKEN } from '@/lib/testing/example-layout';
import { Topology } from '@/lib/topology/topology';
import type { SegmentPolicy, TopologyInput } from '@/lib/topology/topology';

type NodeChange = Partial<NonNullable<TopologyInput['nodes']>[number]>;

/** The example layout with changes of single nodes by name, `null` for a node that goes. */
function withNodes(
  changes: Readonly<Record<string, NodeChange | null>>,
  rest: Partial<TopologyInput> = {},
): Topology {
  const topology = exampleLayout(rest);
  const nodes = topology.nodes.flatMap((node) => {
    const change = changes[node.name];
    return change === null ? [] : [{ ...node, ...change }];
  });
  return Topology.parse({ ...topology, nodes });
}

function onTailnet(rest: Partial<TopologyInput> = {}): Topology {
  const topology = exampleLayout(rest);
  const nodes = topology.nodes.map(({ externalIp, ...node }) => ({
    ...node,
    internalIp: externalIp ?? node.internalIp,
  }));
  return Topology.parse({ ...topology, nodes, ...rest });
}

const { registration: base } = exampleLayout();
const registration = (change: TopologyInput['registration']) =>
  exampleLayout({ registration: { ...base, ...change } });
const args = (serverArgs: NonNullable<TopologyInput['rke2']>['serverArgs']) =>
  exampleLayout({ rke2: { serverArgs } });
/** The text's policy, `env=production` among themselves, with changes. */
const policies = (...changes: readonly Partial<SegmentPolicy>[]) =>
  exampleLayout({
    cilium: {
      policies: changes.map((change) => ({
        name: 'edge-cluster-isolation',
        namespace: 'shop',
        podLabels: { env: 'production' },
        ...change,
      })),
    },
  });
const manyServers = (count: number) =>
  Topology.parse({
    ...oneServer(),
    nodes: Array.from({ length: count }, (_, index) => ({
      id: `n-${index}x`,
      name: `s${index}`,
      role: 'server',
      internalIp: `192.0.2.${index + 1}`,
    })),
  });

/** Every rule broken once, in the catalogue's order: the topology and the place that the finding must name. */
export const BROKEN: readonly (readonly [ruleId: string, path: string, topology: Topology])[] = [
  ['no-server', 'nodes', withNodes({ s1: null, s2: null, s3: null })],
  ['single-server', 'nodes', oneServer()],
  ['ha-needs-three-servers', 'nodes', withNodes({ s2: null, s3: null })],
  ['even-servers', 'nodes', withNodes({ s3: null })],
  ['zone-holds-quorum', 'nodes', withNodes({ s1: { zone: 'r1' }, s2: { zone: 'r1' }, s3: { zone: 'r2' } })],
  ['too-many-servers', 'nodes', manyServers(9)],
  ['duplicate-id', 'nodes[1].id', withNodes({ s2: { id: 'n-s1' } })],
  ['duplicate-name', 'nodes[3].name', withNodes({ a1: { name: 's1' } })],
  ['duplicate-address', 'nodes[4]', withNodes({ a2: { internalIp: '192.168.10.13' } })],
  ['lb-on-server', 'nodes[6]', withNodes({ lb1: { internalIp: '192.168.10.10' } })],
  ['unusable-address', 'nodes[0].internalIp', withNodes({ s1: { internalIp: '127.0.0.1' } })],
  ['same-machine', 'nodes[3].ssh.address', withNodes({ a1: { ssh: { address: '192.168.10.11' } } })],
  ['os-kernel-too-old', 'nodes[3].os', withNodes({ a1: { os: 'Ubuntu 20.04.6 LTS' } })],
  ['hostname-form', 'nodes[3].name', withNodes({ a1: { name: 'localhost' } })],
  [
    'label-refused',
    'nodes[3].labels.node-role.kubernetes.io/worker',
    withNodes({ a1: { labels: { 'node-role.kubernetes.io/worker': 'true' } } }),
  ],
  [
    'hardware-below-minimum',
    'nodes[3].hardware.memoryGiB',
    withNodes({ a1: { hardware: { cpus: 2, memoryGiB: 2 } } }),
  ],
  [
    'hardware-below-recommended',
    'nodes[0].hardware.diskGiB',
    withNodes({ s1: { hardware: { diskGiB: 49 } } }),
  ],
  ['slow-disk', 'nodes[0].hardware.diskKind', withNodes({ s1: { hardware: { diskKind: 'hdd' } } })],
  ['registration-address-missing', 'registration.vip', registration({ vip: undefined })],
  ['registration-not-fixed', 'registration.via', registration({ via: 'server' })],
  ['vip-without-holder', 'registration.loadBalancer', registration({ loadBalancer: 'none' })],
  ['lb-missing', 'registration.loadBalancer', withNodes({ lb1: null, lb2: null })],
  ['lb-single', 'nodes', withNodes({ lb1: null })],
  ['lb-unused', 'registration.loadBalancer', registration({ loadBalancer: 'external' })],
  ['lb-without-vip', 'registration.vip', registration({ via: 'dns', vip: undefined })],
  ['lb-interface-missing', 'registration.interface', registration({ interface: undefined })],
  ['vip-outside-network', 'registration.vip', registration({ vip: '192.168.11.5' })],
  [
    'vip-on-tailnet',
    'registration.vip',
    withNodes({ lb1: { internalIp: '100.64.1.8' }, lb2: { internalIp: '100.64.1.9' } }),
  ],
  ['vip-taken', 'registration.vip', registration({ vip: '192.168.10.10' })],
  ['san-ssh-address', 'nodes[0].ssh.address', withNodes({ s1: { ssh: { address: 's1.example.net' } } })],
  [
    'san-duplicate',
    'security.extraSans',
    exampleLayout({ security: { extraSans: ['a.example.net', 'a.example.net'] } }),
  ],
  ['cidr-overlap', 'network.serviceCidr', exampleLayout({ network: { serviceCidr: '10.42.128.0/17' } })],
  ['cidr-holds-host', 'nodes[0].internalIp', withNodes({ s1: { internalIp: '10.42.0.9' } })],
  ['cidr-tailnet', 'network.clusterCidr', exampleLayout({ network: { clusterCidr: '100.96.0.0/16' } })],
  ['cidr-docker', 'network.serviceCidr', exampleLayout({ network: { serviceCidr: '172.16.0.0/12' } })],
  [
    'pod-network-too-small',
    'network.clusterCidr',
    exampleLayout({ network: { clusterCidr: '10.42.0.0/22' } }),
  ],
  ['service-network-size', 'network.serviceCidr', exampleLayout({ network: { serviceCidr: '11.0.0.0/8' } })],
  ['node-outside-network', 'nodes[3].internalIp', withNodes({ a1: { internalIp: '192.168.20.1' } })],
  ['mtu-over-tailnet', 'network.mtu', onTailnet({ network: { mtu: 1500 } })],
  ['mtu-too-small', 'network.mtu', exampleLayout({ network: { mtu: 576 } })],
  [
    'kube-proxy-kept',
    'cilium.kubeProxyReplacement',
    exampleLayout({ cilium: { kubeProxyReplacement: false } }),
  ],
  [
    'bpf-masquerade-needs-kpr',
    'cilium.bpfMasquerade',
    exampleLayout({ cilium: { kubeProxyReplacement: false } }),
  ],
  [
    'dsr-needs-kpr',
    'cilium.loadBalancingMode',
    exampleLayout({ cilium: { kubeProxyReplacement: false, loadBalancingMode: 'dsr' } }),
  ],
  ['dsr-needs-geneve', 'cilium.tunnelProtocol', exampleLayout({ cilium: { loadBalancingMode: 'dsr' } })],
  ['hubble-off', 'cilium.hubble.enabled', exampleLayout({ cilium: { hubble: { enabled: false } } })],
  ['hubble-relay-off', 'cilium.hubble.relay', exampleLayout({ cilium: { hubble: { relay: false } } })],
  [
    'hubble-metrics-http-twice',
    'cilium.hubble.metrics',
    exampleLayout({ cilium: { hubble: { metrics: ['http', 'httpV2:x=y'] } } }),
  ],
  [
    'hubble-metric-unknown',
    'cilium.hubble.metrics',
    exampleLayout({ cilium: { hubble: { metrics: ['dns', 'latency'] } } }),
  ],
  ['operator-replicas', 'cilium.operatorReplicas', oneServer({ cilium: { operatorReplicas: 2 } })],
  ['native-over-tailnet', 'cilium.routing', onTailnet({ cilium: { routing: 'native' } })],
  ['double-encryption', 'cilium.wireguard', onTailnet({ cilium: { wireguard: true } })],
  ['policy-always', 'cilium.policyEnforcement', exampleLayout({ cilium: { policyEnforcement: 'always' } })],
  ['policy-cuts-dns', 'cilium.policies[0].allowDns', policies({ allowDns: false })],
  ['policy-cuts-api', 'cilium.policies[0].allowApiServer', policies({ allowApiServer: false })],
  ['policy-on-system', 'cilium.policies[0]', policies({ namespace: 'kube-system', podLabels: {} })],
  ['policy-twice', 'cilium.policies[1].name', policies({}, {})],
  [
    'policy-not-enforced',
    'cilium.policyEnforcement',
    exampleLayout({ cilium: { policyEnforcement: 'never', policies: policies({}).cilium.policies } }),
  ],
  ['version-unknown', 'rke2.version', exampleLayout({ rke2: { version: 'v1.30.1+rke2r1' } })],
  ['version-candidate', 'rke2.version', exampleLayout({ rke2: { version: 'v1.35.8-rc1+rke2r1' } })],
  ['version-behind', 'rke2.version', exampleLayout({ rke2: { version: 'v1.35.6+rke2r1' } })],
  ['channel-mismatch', 'rke2.channel', exampleLayout({ rke2: { channel: 'v1.34' } })],
  [
    'ingress-nginx-ended',
    'rke2.ingressController',
    exampleLayout({ rke2: { ingressController: 'ingress-nginx' } }),
  ],
  [
    'ingress-nginx-gone',
    'rke2.ingressController',
    exampleLayout({ rke2: { ingressController: 'ingress-nginx', version: 'v1.37.0+rke2r1' } }),
  ],
  ['chart-unknown', 'rke2.disable', exampleLayout({ rke2: { disable: ['rke2-canal'] } })],
  [
    'argument-removed',
    'rke2.serverArgs.kubeControllerManager[0]',
    args({ kubeControllerManager: ['pod-eviction-timeout=30s'] }),
  ],
  [
    'argument-k3s-only',
    'rke2.serverArgs.kubeApiserver[0]',
    args({ kubeApiserver: ['flannel-backend=none'] }),
  ],
  [
    'argument-of-a-field',
    'rke2.serverArgs.kubeApiserver[0]',
    args({ kubeApiserver: ['service-cluster-ip-range=10.0.0.0/16'] }),
  ],
  ['argument-weakens', 'rke2.serverArgs.kubeApiserver[0]', args({ kubeApiserver: ['anonymous-auth=true'] })],
  [
    'argument-form',
    'rke2.serverArgs.kubeControllerManager[0]',
    args({ kubeControllerManager: ['node-monitor-grace-period=90'] }),
  ],
  ['argument-twice', 'rke2.serverArgs.kubelet[0]', args({ kubelet: ['max-pods=100', 'max-pods=200'] })],
  [
    'etcd-election-timeout',
    'etcd.electionTimeoutMs',
    exampleLayout({ etcd: { heartbeatIntervalMs: 2_000 } }),
  ],
  [
    'leader-election',
    'rke2.serverArgs.kubeScheduler',
    args({ kubeScheduler: ['leader-elect-lease-duration=5s'] }),
  ],
  [
    'node-grace-period',
    'rke2.serverArgs.kubeControllerManager',
    args({ kubelet: ['node-status-update-frequency=1m'] }),
  ],
  ['snapshots-off', 'etcd.snapshots.enabled', exampleLayout({ etcd: { snapshots: { enabled: false } } })],
  ['snapshots-local-only', 'etcd.snapshots.s3', exampleLayout()],
  [
    'snapshot-schedule',
    'etcd.snapshots.schedule',
    exampleLayout({ etcd: { snapshots: { schedule: 'every night' } } }),
  ],
  [
    'etcd-metrics-open',
    'etcd.exposeMetrics',
    exampleLayout({
      etcd: { exposeMetrics: true },
      security: { serverToken: SERVER_TOKEN, firewall: 'nftables' }, // no plan places that firewall yet
    }),
  ],
  [
    's3-keys-half',
    'etcd.snapshots.s3',
    exampleLayout({
      etcd: { snapshots: { s3: { endpoint: 's3.example.net', bucket: 'etcd', accessKey: SERVER_TOKEN } } },
    }),
  ],
  ['external-ip-on-tailnet', 'nodes[0].externalIp', exampleLayout()],
  ['etcd-over-tailnet', 'nodes', onTailnet()],
  ['mixed-underlay', 'nodes', withNodes({ a3: { internalIp: '100.64.1.15', externalIp: undefined } })],
  [
    'tailnet-without-tailscale',
    'edge.tailscale.enabled',
    onTailnet({ edge: { tailscale: { enabled: false } } }),
  ],
  ['tailscale-untagged', 'edge.tailscale.tags', onTailnet({ edge: { tailscale: { enabled: true } } })],
  ['images-over-tailnet', 'edge.embeddedRegistry', onTailnet({ edge: { embeddedRegistry: true } })],
  [
    'mirror-twice',
    'edge.registryMirrors[1]',
    exampleLayout({
      edge: {
        registryMirrors: [
          { registry: 'docker.io', endpoints: ['https://a.example.net'] },
          { registry: 'docker.io', endpoints: ['https://b.example.net'] },
        ],
      },
    }),
  ],
  [
    'shaping-needs-uplink',
    'edge.trafficShaping.uplinkKbit',
    exampleLayout({ edge: { trafficShaping: { enabled: true } } }),
  ],
  ['agent-token-missing', 'security.agentToken', exampleLayout({ security: { serverToken: SERVER_TOKEN } })],
  [
    'tokens-equal',
    'security.agentToken',
    exampleLayout({ security: { serverToken: SERVER_TOKEN, agentToken: SERVER_TOKEN } }),
  ],
];
