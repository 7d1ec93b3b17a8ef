import { canonicalJson } from '@/lib/core/hash';
import { RELEASE_LINES } from '@/lib/rules/known-releases';
import type { DocumentPath } from '@/lib/topology/edit-topology';
import { Topology } from '@/lib/topology/topology';
import { readAt, setAt } from './document';
import type { LooseDocument } from './document';

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
}

export interface FieldGroup {
  readonly title: string;
  readonly fields: readonly FieldSpec[];
  /** Folded away with a count of what differs from the default. */
  readonly advanced: readonly FieldSpec[];
}

const choice = (value: string, label = value): Choice => ({ value, label });

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
        choices: [choice('internet', 'the internet'), choice('mirror', 'a mirror of yours')],
      },
      {
        path: ['rke2', 'artifacts', 'url'],
        label: 'Mirror URL',
        help: 'Below it the same layout as the release downloads: <url>/<version>/<file>.',
        kind: 'text',
        placeholder: 'https://mirror.example.net/rke2',
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
];

/** Fields that the document shows now: a mirror's URL only with a mirror. */
export function isShown(spec: FieldSpec, document: LooseDocument): boolean {
  const isMirrorUrl = spec.path.join('.') === 'rke2.artifacts.url';
  return !isMirrorUrl || readAt(document, ['rke2', 'artifacts', 'from']) === 'mirror';
}

/** The document after a choice; another source of release files takes its own members along. */
export function choose(document: LooseDocument, spec: FieldSpec, value: string): LooseDocument {
  if (spec.path.join('.') !== 'rke2.artifacts.from') return setAt(document, spec.path, value);
  return setAt(document, ['rke2', 'artifacts'], { from: value, ...(value === 'mirror' && { url: '' }) });
}

const DEFAULTS = Topology.parse({ pattern: 'custom' });

/** How many of these fields differ from their defaults. */
export function countNonDefaults(specs: readonly FieldSpec[], document: LooseDocument): number {
  const asJson = (value: unknown) => canonicalJson(value ?? null);
  return specs.filter((spec) => asJson(readAt(document, spec.path)) !== asJson(readAt(DEFAULTS, spec.path)))
    .length;
}
