import type { ConfigValues } from './config-files';
import type { Rke2Role } from './known-keys';

/** What the stand-in reads from its configuration, with RKE2's defaults (RKE2 docs reference/server_config). */
export interface Settings {
  role: Rke2Role;
  /** Logs more; on a joiner, what differs of the critical values (facts 2.3). */
  debug: boolean;
  dataDir: string;
  token: string | null;
  agentToken: string | null;
  /** `https://ADDRESS:9345` of a server to join, or null. */
  server: string | null;
  nodeName: string;
  nodeIp: string;
  nodeExternalIp: string | null;
  bindAddress: string;
  advertiseAddress: string;
  tlsSans: string[];
  cni: string[];
  /** Ports of loopback on which an agent finds the servers: their supervisors here, their APIs on 6443 (facts 2.2). */
  lbServerPort: number;
  clusterCidr: string;
  serviceCidr: string;
  clusterDns: string;
  clusterDomain: string;
  disableKubeProxy: boolean;
  disableCloudController: boolean;
  egressSelectorMode: string;
  secretsEncryptionProvider: string;
  embeddedRegistry: boolean;
  supervisorMetrics: boolean;
  enableServicelb: boolean;
  profile: string;
  nodeLabels: string[];
  nodeTaints: string[];
  kubeconfigPath: string;
  kubeconfigMode: string;
  etcdExposeMetrics: boolean;
  snapshotDir: string | null;
  snapshotName: string;
  clusterReset: boolean;
  clusterResetRestorePath: string | null;
  args: Record<
    'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kubelet',
    string[]
  >;
}

/** What the host says about itself. */
export interface HostDefaults {
  hostname: string;
  /** The first global address of the interface with the default route, or null. */
  defaultRouteAddress: string | null;
  readFile: (path: string) => string;
}

const knownCnis = ['none', 'calico', 'canal', 'cilium', 'flannel', 'multus'];

/**
 * Turns merged configuration into settings. Throws the sentence with which RKE2 ends for a value that it refuses:
 * an unknown profile or CNI, a node name that is no DNS label, a host without an address.
 */
export function parseSettings(role: Rke2Role, values: ConfigValues, host: HostDefaults): Settings {
  const last = (key: string) => values.get(key)?.at(-1) ?? null;
  const list = (key: string) => (values.get(key) ?? []).flatMap((value) => value.split(',')).filter(Boolean);
  const flag = (key: string) => ['true', '1', 'yes'].includes((last(key) ?? '').toLowerCase());
  const secret = (key: string) => last(key) ?? fileContent(last(`${key}-file`), host);
  const nodeIp = list('node-ip')[0] ?? host.defaultRouteAddress;
  if (nodeIp === null) throw new Error('failed to find the node IP: no default route, set node-ip');
  const nodeName = (last('node-name') ?? host.hostname).toLowerCase();
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(nodeName))
    throw new Error(`invalid node name ${nodeName}`);
  const profile = last('profile') ?? '';
  if (!['', 'cis', 'etcd'].includes(profile)) throw new Error('invalid value provided for --profile flag');
  const dataDir = last('data-dir') ?? '/var/lib/rancher/rke2';
  const nodeExternalIp = list('node-external-ip')[0] ?? null;
  const serviceCidr = last('service-cidr') ?? '10.43.0.0/16';
  return {
    role,
    debug: flag('debug'),
    dataDir,
    token: secret('token'),
    agentToken: secret('agent-token'),
    server: last('server'),
    nodeName,
    nodeIp,
    nodeExternalIp,
    bindAddress: last('bind-address') ?? '0.0.0.0',
    advertiseAddress: last('advertise-address') ?? nodeExternalIp ?? nodeIp,
    tlsSans: list('tls-san'),
    cni: parseCni(list('cni')),
    lbServerPort: Number(last('lb-server-port') ?? 6444),
    clusterCidr: last('cluster-cidr') ?? '10.42.0.0/16',
    serviceCidr,
    clusterDns: last('cluster-dns') ?? serviceCidr.replace(/\d+\/.*$/, '10'),
    clusterDomain: last('cluster-domain') ?? 'cluster.local',
    disableKubeProxy: flag('disable-kube-proxy'),
    disableCloudController: flag('disable-cloud-controller'),
    egressSelectorMode: last('egress-selector-mode') ?? 'agent',
    secretsEncryptionProvider: last('secrets-encryption-provider') ?? 'aescbc',
    embeddedRegistry: flag('embedded-registry'),
    supervisorMetrics: flag('supervisor-metrics'),
    enableServicelb: flag('enable-servicelb'),
    profile,
    nodeLabels: list('node-label'),
    nodeTaints: list('node-taint'),
    kubeconfigPath: last('write-kubeconfig') ?? '/etc/rancher/rke2/rke2.yaml',
    kubeconfigMode: last('write-kubeconfig-mode') ?? '0600',
    etcdExposeMetrics: flag('etcd-expose-metrics'),
    snapshotDir: last('etcd-snapshot-dir'),
    snapshotName: last('etcd-snapshot-name') ?? 'etcd-snapshot',
    clusterReset: flag('cluster-reset'),
    clusterResetRestorePath: last('cluster-reset-restore-path'),
    args: {
      etcd: [...(values.get('etcd-arg') ?? [])],
      'kube-apiserver': [...(values.get('kube-apiserver-arg') ?? [])],
      'kube-controller-manager': [...(values.get('kube-controller-manager-arg') ?? [])],
      'kube-scheduler': [...(values.get('kube-scheduler-arg') ?? [])],
      kubelet: [...(values.get('kubelet-arg') ?? [])],
    },
  };
}

function fileContent(path: string | null, host: HostDefaults): string | null {
  return path === null ? null : host.readFile(path).trim();
}

function parseCni(values: string[]): string[] {
  const chosen = values.length === 0 ? ['canal'] : values;
  const unknown = chosen.find((value) => !knownCnis.includes(value));
  const reason =
    unknown !== undefined
      ? `Invalid value ${unknown} for --cni flag: must be one of ${knownCnis.join(',')}`
      : chosen.length === 1 && chosen[0] === 'multus'
        ? 'Failed to validate --cni flag: multus must be used alongside another primary cni selection'
        : chosen.length === 2 && chosen[0] !== 'multus'
          ? 'Failed to validate --cni flag: may only provide multiple values if multus is the first value'
          : chosen.length > 2
            ? 'Failed to validate --cni flag: must specify 1 or 2 values'
            : null;
  if (reason !== null) throw new Error(reason);
  return chosen;
}

/**
 * The values that must be equal on all servers, by flag (RKE2 docs install/ha; the last four k3s daemons/config; facts
 * 2.3). The agent token is among them too, but is compared as a hash. RKE2 refuses a joiner that differs with
 * `critical configuration value mismatch between servers`.
 */
export function criticalValues(settings: Settings): Record<string, string> {
  return {
    'cluster-dns': settings.clusterDns,
    'cluster-domain': settings.clusterDomain,
    'cluster-cidr': settings.clusterCidr,
    'disable-cloud-controller': String(settings.disableCloudController),
    'disable-kube-proxy': String(settings.disableKubeProxy),
    'egress-selector-mode': settings.egressSelectorMode,
    'service-cidr': settings.serviceCidr,
    'secrets-encryption-provider': settings.secretsEncryptionProvider,
    'embedded-registry': String(settings.embeddedRegistry),
    'supervisor-metrics': String(settings.supervisorMetrics),
    'enable-servicelb': String(settings.enableServicelb),
  };
}
