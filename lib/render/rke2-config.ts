import { AppError } from '@/lib/core/errors';
import { firstServer } from '@/lib/topology/find-node';
import { apiSans, registrationAddress, SUPERVISOR_PORT } from '@/lib/topology/registration';
import { EDGE_TIMERS } from '@/lib/topology/edge-timers';
import type { SecretRef, Topology, TopologyNode } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';
import type { Rke2AgentKey, Rke2ServerKey } from './rke2-keys';
import { PinnedTokenSlot, SecretSlot, toYaml } from './to-yaml';
import type { YamlValue } from './to-yaml';

export const RKE2_CONFIG_PATH = '/etc/rancher/rke2/config.yaml';

type ServerConfig = Partial<Record<Rke2ServerKey, YamlValue | undefined>>;
type AgentConfig = Partial<Record<Rke2AgentKey, YamlValue | undefined>>;

/**
 * /etc/rancher/rke2/config.yaml of a server or agent (RKE2 docs reference/server_config, reference/linux_agent_config).
 * 0600, because it holds the join token. Throws an `AppError` where the topology names no server token or no address to join.
 */
export function renderRke2Config(topology: Topology, node: TopologyNode): RenderedFile {
  const isServer = node.role === 'server';
  const { config, secrets } = isServer ? toServerConfig(topology, node) : toAgentConfig(topology, node);
  return toPlainFile({
    path: RKE2_CONFIG_PATH,
    mode: '0600',
    body: toYaml(config),
    secrets,
    readBy: [isServer ? 'rke2-server.service' : 'rke2-agent.service'],
    purpose: `Configuration of RKE2 on this ${node.role}.`,
  });
}

function toServerConfig(
  topology: Topology,
  node: TopologyNode,
): { config: ServerConfig; secrets: SecretRef[] } {
  const { rke2, network, cilium, security, edge } = topology;
  const serverToken = needServerToken(topology, node);
  const first = firstServer(topology);
  const isFirst = first?.id === node.id;
  const backup = toSnapshotConfig(topology);
  const config: ServerConfig = {
    // Behind the fixed address a joining server may meet itself or one that is half started (rke2-docs PR #231), so it
    // joins at the first server. Ignored once it has etcd data (RKE2 docs install/ha).
    ...(!isFirst && first && { server: toJoinUrl(first.internalIp) }),
    // The first server makes the CA, so there is nothing to pin yet.
    token: isFirst ? new SecretSlot(serverToken) : new PinnedTokenSlot('server', serverToken),
    'agent-token': security.agentToken && new SecretSlot(security.agentToken),
    ...toNodeConfig(node),
    // Without it an external IP becomes the address that agents dial for the API (RKE2 docs reference/server_config).
    'advertise-address': node.externalIp === undefined ? undefined : node.internalIp,
    'tls-san': apiSans(topology),
    cni: 'cilium',
    'disable-kube-proxy': cilium.kubeProxyReplacement,
    'ingress-controller': rke2.ingressController,
    disable: toList([...rke2.disable].sort()),
    'cluster-cidr': network.clusterCidr,
    'service-cidr': network.serviceCidr,
    'cluster-domain': network.clusterDomain,
    'write-kubeconfig-mode': '0600',
    'secrets-encryption-provider': security.secretsEncryption,
    profile: security.cisProfile ? 'cis' : undefined,
    'embedded-registry': edge.embeddedRegistry || undefined,
    'etcd-expose-metrics': topology.etcd.exposeMetrics || undefined,
    ...backup.config,
    'etcd-arg': toList(etcdArgs(topology)),
    ...toComponentArgs(topology),
    'kubelet-arg': toList(rke2.serverArgs.kubelet),
  };
  return { config, secrets: toSecretList(serverToken, security.agentToken, ...backup.secrets) };
}

function toAgentConfig(
  topology: Topology,
  node: TopologyNode,
): { config: AgentConfig; secrets: SecretRef[] } {
  const { security, rke2 } = topology;
  // The agent token joins agents only: a stolen worker cannot join as a server (RKE2 docs security/token).
  const token = security.agentToken ?? needServerToken(topology, node);
  const config: AgentConfig = {
    server: toJoinUrl(registrationAddress(topology)),
    token: new PinnedTokenSlot(security.agentToken ? 'node' : 'server', token),
    ...toNodeConfig(node),
    profile: security.cisProfile ? 'cis' : undefined,
    'kubelet-arg': toList(rke2.serverArgs.kubelet),
  };
  return { config, secrets: [token] };
}

/** Labels and taints count at the first registration only (RKE2 docs reference/linux_agent_config). */
function toNodeConfig(node: TopologyNode): AgentConfig {
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  const taints = node.taints.map(({ key, value, effect }) => `${key}=${value}:${effect}`);
  return {
    'node-name': node.name,
    'node-ip': node.internalIp,
    'node-external-ip': node.externalIp,
    'node-label': toList(labels.sort()),
    'node-taint': toList(taints.sort()),
  };
}

function toSnapshotConfig({ etcd }: Topology): { config: ServerConfig; secrets: (SecretRef | undefined)[] } {
  const { enabled, schedule, retention, s3 } = etcd.snapshots;
  if (!enabled) return { config: { 'etcd-disable-snapshots': true }, secrets: [] };
  const config: ServerConfig = {
    'etcd-snapshot-schedule-cron': schedule,
    'etcd-snapshot-retention': retention,
    ...(s3 && {
      'etcd-s3': true,
      'etcd-s3-endpoint': s3.endpoint,
      'etcd-s3-bucket': s3.bucket,
      'etcd-s3-region': s3.region,
      'etcd-s3-folder': s3.folder || undefined,
      'etcd-s3-access-key': s3.accessKey && new SecretSlot(s3.accessKey),
      'etcd-s3-secret-key': s3.secretKey && new SecretSlot(s3.secretKey),
    }),
  };
  return { config, secrets: [s3?.accessKey, s3?.secretKey] };
}

function etcdArgs({ etcd }: Topology): string[] {
  return [
    ...(etcd.heartbeatIntervalMs === undefined ? [] : [`heartbeat-interval=${etcd.heartbeatIntervalMs}`]),
    ...(etcd.electionTimeoutMs === undefined ? [] : [`election-timeout=${etcd.electionTimeoutMs}`]),
  ];
}

/** The document's own arguments win over the edge timers, because the component takes the last of equal flags. */
function toComponentArgs({ rke2, edge }: Topology): ServerConfig {
  const timers = edge.relaxedTimers
    ? EDGE_TIMERS
    : { kubeApiserver: [], kubeControllerManager: [], kubeScheduler: [] };
  // Gzip of API answers is on in Kubernetes, so only switching it off needs a word (kube-apiserver feature gates).
  const compression = edge.apiCompression ? [] : ['feature-gates=APIResponseCompression=false'];
  const { kubeApiserver, kubeControllerManager, kubeScheduler } = rke2.serverArgs;
  return {
    'kube-apiserver-arg': toList(withOverrides([...timers.kubeApiserver, ...compression], kubeApiserver)),
    'kube-controller-manager-arg': toList(withOverrides(timers.kubeControllerManager, kubeControllerManager)),
    'kube-scheduler-arg': toList(withOverrides(timers.kubeScheduler, kubeScheduler)),
  };
}

function withOverrides(ours: readonly string[], own: readonly string[]): string[] {
  const flagOf = (arg: string) => arg.slice(0, arg.indexOf('='));
  const stated = new Set(own.map(flagOf));
  return [...ours.filter((arg) => !stated.has(flagOf(arg))), ...own];
}

function toJoinUrl(address: string): string {
  return `https://${address}:${SUPERVISOR_PORT}`;
}

function needServerToken(topology: Topology, node: TopologyNode): SecretRef {
  const token = topology.security.serverToken;
  if (token) return token;
  throw new AppError(
    'precondition-failed',
    `The topology names no server token, so ${node.name} has nothing to join with. Siteplan makes one when the site is saved.`,
  );
}

function toList(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values;
}

function toSecretList(...refs: (SecretRef | undefined)[]): SecretRef[] {
  const byKey = new Map(refs.flatMap((ref) => (ref ? [[`${ref.id} ${ref.version}`, ref] as const] : [])));
  return [...byKey.values()];
}
