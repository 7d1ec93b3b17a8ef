import { RELEASE_LINES } from '@/lib/rules/known-releases';
import type { DocumentPath } from '@/lib/topology/edit-topology';

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** One field of the Network step: where it stands in the document and how it is asked for. */
export interface FieldSpec {
  readonly path: DocumentPath;
  readonly label: string;
  readonly help?: string;
  readonly unit?: string;
  readonly placeholder?: string;
  readonly kind: 'text' | 'number' | 'switch' | 'choice' | 'lines';
  readonly choices?: readonly Choice[];
  /** May be left out of the document: an empty field takes the member away. */
  readonly isOptional?: boolean;
  /** Shown only while the document holds one of these values there. */
  readonly when?: { readonly path: DocumentPath; readonly is: readonly unknown[] };
}

export interface FieldGroup {
  readonly title: string;
  readonly fields: readonly FieldSpec[];
  /** Folded away with a count of what differs from the default. */
  readonly advanced: readonly FieldSpec[];
}

/** For what `renderEveryFile` gives as `later`. */
const LATER = 'Written to the bundle; a plan does not place it yet.';

const choice = (value: string, label = value): Choice => ({ value, label });

/** The Network step, from top to bottom; what is not here is reached as YAML. */
export const NETWORK_GROUPS: readonly FieldGroup[] = [
  {
    title: 'RKE2',
    fields: [
      {
        path: ['rke2', 'version'],
        label: 'Version',
        kind: 'choice',
        choices: [...RELEASE_LINES]
          .reverse()
          .map((line) => choice(line.newest, line.newest + (line.isStable ? ' (stable)' : ''))),
      },
      {
        path: ['rke2', 'artifacts', 'from'],
        label: 'Release files come from',
        kind: 'choice',
        help: 'Siteplan, over SSH: for hosts without internet and mirror. Siteplan downloads each file once, or has it from “artifacts add” of its command line, and sends it to every host.',
        choices: [
          choice('internet', 'the internet'),
          choice('mirror', 'a mirror of yours'),
          choice('pushed', 'Siteplan, over SSH'),
        ],
      },
      {
        path: ['rke2', 'artifacts', 'url'],
        label: 'Mirror URL',
        help: 'Below it the same layout as the release downloads: <url>/<version>/<file>.',
        kind: 'text',
        placeholder: 'https://mirror.example.net/rke2',
        when: { path: ['rke2', 'artifacts', 'from'], is: ['mirror'] },
      },
    ],
    advanced: [
      {
        path: ['rke2', 'ingressController'],
        label: 'Ingress controller',
        kind: 'choice',
        choices: [choice('none'), choice('traefik'), choice('ingress-nginx')],
      },
      { path: ['security', 'cisProfile'], label: 'CIS profile', kind: 'switch' },
      {
        path: ['security', 'secretsEncryption'],
        label: 'Encryption of Secrets in etcd',
        kind: 'choice',
        choices: [choice('aescbc'), choice('secretbox')],
      },
      { path: ['etcd', 'snapshots', 'enabled'], label: 'etcd snapshots', kind: 'switch' },
      {
        path: ['etcd', 'snapshots', 'schedule'],
        label: 'Snapshot schedule',
        kind: 'text',
        help: 'As in cron.',
      },
      { path: ['etcd', 'snapshots', 'retention'], label: 'Snapshots kept', kind: 'number' },
      {
        path: ['security', 'firewall'],
        label: 'Firewall of the hosts',
        kind: 'choice',
        choices: [choice('none', 'leave it alone'), choice('nftables')],
        help: LATER,
      },
      {
        path: ['etcd', 'exposeMetrics'],
        label: 'etcd metrics',
        kind: 'switch',
        help: 'On 2381 of each server; otherwise only on the server itself.',
      },
    ],
  },
  {
    title: 'Registration',
    fields: [
      {
        path: ['registration', 'via'],
        label: 'Agents and clients come by',
        kind: 'choice',
        choices: [
          choice('server', 'the first server’s own address'),
          choice('vip', 'a virtual IP'),
          choice('dns', 'a DNS name'),
        ],
      },
      {
        path: ['registration', 'loadBalancer'],
        label: 'Load balancers',
        kind: 'choice',
        choices: [
          choice('none'),
          choice('managed', 'nodes of this site, set up by Siteplan'),
          choice('external', 'somebody else’s'),
        ],
      },
      {
        path: ['registration', 'vip'],
        label: 'Virtual IP',
        kind: 'text',
        placeholder: '192.0.2.5',
        isOptional: true,
        help: 'An unused address of the hosts’ network; it moves between the load balancers.',
        when: { path: ['registration', 'loadBalancer'], is: ['managed', 'external'] },
      },
      {
        path: ['registration', 'interface'],
        label: 'Interface of the load balancers',
        kind: 'text',
        placeholder: 'eth0',
        isOptional: true,
        help: 'Its name on both of them; the virtual IP is put there.',
        when: { path: ['registration', 'loadBalancer'], is: ['managed'] },
      },
      {
        path: ['registration', 'dnsName'],
        label: 'DNS name of the API',
        kind: 'text',
        placeholder: 'k8s.example.net',
        isOptional: true,
        help: 'Stands in the certificate; points at the virtual IP or at the load balancers.',
      },
    ],
    advanced: [
      {
        path: ['registration', 'virtualRouterId'],
        label: 'VRRP router id',
        kind: 'number',
        help: 'One of its own for each virtual IP on a LAN, 1 to 255.',
      },
    ],
  },
  {
    title: 'Addresses',
    fields: [
      { path: ['network', 'clusterCidr'], label: 'Pod network', kind: 'text' },
      { path: ['network', 'serviceCidr'], label: 'Service network', kind: 'text' },
      {
        path: ['network', 'nodeCidr'],
        label: 'Network of the hosts',
        kind: 'text',
        placeholder: '192.0.2.0/24',
        isOptional: true,
        help: 'Optional; drawn as a frame and checked for overlaps.',
      },
      {
        path: ['security', 'extraSans'],
        label: 'More names of the API server',
        kind: 'lines',
        help: 'One a line; addresses and names of the servers are in the certificate anyway.',
      },
    ],
    advanced: [
      { path: ['network', 'clusterDomain'], label: 'Cluster domain', kind: 'text' },
      {
        path: ['network', 'mtu'],
        label: 'MTU of the hosts',
        kind: 'number',
        unit: 'bytes',
        help: '0 finds it out.',
      },
    ],
  },
  {
    title: 'Cilium',
    fields: [
      {
        path: ['cilium', 'hubble', 'enabled'],
        label: 'Hubble',
        kind: 'switch',
        help: 'Flows of the network; off in RKE2’s own chart.',
      },
      { path: ['cilium', 'wireguard'], label: 'Encrypt traffic between nodes (WireGuard)', kind: 'switch' },
    ],
    advanced: [
      { path: ['cilium', 'kubeProxyReplacement'], label: 'Replace kube-proxy', kind: 'switch' },
      { path: ['cilium', 'bpfMasquerade'], label: 'Masquerade in eBPF', kind: 'switch' },
      {
        path: ['cilium', 'loadBalancingMode'],
        label: 'Load balancing',
        kind: 'choice',
        choices: [choice('snat', 'SNAT'), choice('dsr', 'DSR')],
      },
      {
        path: ['cilium', 'routing'],
        label: 'Routing',
        kind: 'choice',
        choices: [choice('tunnel'), choice('native')],
      },
      {
        path: ['cilium', 'tunnelProtocol'],
        label: 'Tunnel protocol',
        kind: 'choice',
        choices: [choice('vxlan', 'VXLAN'), choice('geneve', 'Geneve')],
      },
      {
        path: ['cilium', 'policyEnforcement'],
        label: 'Policy enforcement',
        kind: 'choice',
        choices: [choice('default'), choice('always'), choice('never')],
      },
      { path: ['cilium', 'hubble', 'relay'], label: 'Hubble relay', kind: 'switch' },
      { path: ['cilium', 'hubble', 'ui'], label: 'Hubble’s own UI', kind: 'switch' },
      { path: ['cilium', 'prometheus'], label: 'Metrics for Prometheus', kind: 'switch' },
      {
        path: ['cilium', 'operatorReplicas'],
        label: 'Operator replicas',
        kind: 'number',
        isOptional: true,
        help: 'Empty: 2, or 1 where the cluster has one node.',
      },
    ],
  },
  {
    title: 'Edge and thin links',
    fields: [
      {
        path: ['edge', 'tailscale', 'enabled'],
        label: 'Hosts talk over Tailscale',
        kind: 'switch',
        help: 'Enter tailnet addresses as addresses of the hosts, which have joined already. Their join, and RKE2’s wait for the address, are written to the bundle; a plan does not place them yet.',
      },
      {
        path: ['edge', 'tailscale', 'tags'],
        label: 'Tailscale tags',
        kind: 'lines',
        help: 'One a line, such as tag:edge; the key of a tagged machine does not expire.',
        when: { path: ['edge', 'tailscale', 'enabled'], is: [true] },
      },
      {
        path: ['edge', 'relaxedTimers'],
        label: 'Slower timers',
        kind: 'switch',
        help: 'For links that come and go: a node counts as lost after 180 s.',
      },
      {
        path: ['edge', 'localPathStorage'],
        label: 'Volumes on the nodes’ own disks',
        kind: 'switch',
      },
    ],
    advanced: [
      {
        path: ['edge', 'localPathDirectory'],
        label: 'Directory of volumes',
        kind: 'text',
        when: { path: ['edge', 'localPathStorage'], is: [true] },
      },
      { path: ['edge', 'apiCompression'], label: 'Compress answers of the API', kind: 'switch' },
      {
        path: ['edge', 'embeddedRegistry'],
        label: 'Nodes share images (embedded registry)',
        kind: 'switch',
      },
      {
        path: ['edge', 'trafficShaping', 'enabled'],
        label: 'Prefer the control plane on the uplink',
        kind: 'switch',
        help: LATER,
      },
      {
        path: ['edge', 'trafficShaping', 'uplinkKbit'],
        label: 'Rate of the uplink',
        kind: 'number',
        unit: 'kbit/s',
        isOptional: true,
        when: { path: ['edge', 'trafficShaping', 'enabled'], is: [true] },
      },
    ],
  },
];
