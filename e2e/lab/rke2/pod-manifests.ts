import { join } from 'node:path';
import { standInAnnotation } from './layout';
import type { Layout } from './layout';
import type { Settings } from './settings';

/** A static pod as the kubelet finds it in its manifest folder: one container on the host's network. */
export interface PodManifest {
  apiVersion: 'v1';
  kind: 'Pod';
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
  spec: {
    hostNetwork: true;
    priorityClassName: string;
    containers: { name: string; image: string; command: string[]; args: string[] }[];
  };
}

function toPod(name: string, version: string, command: string, args: string[]): PodManifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'kube-system',
      labels: { component: name, tier: 'control-plane' },
      annotations: { ...standInAnnotation },
    },
    spec: {
      hostNetwork: true,
      priorityClassName: 'system-cluster-critical',
      containers: [
        { name, image: `siteplan.lab/stand-in:${version.replace('+', '-')}`, command: [command], args },
      ],
    },
  };
}

export function etcdConfigPath(layout: Layout): string {
  return join(layout.etcdDir, 'config');
}

/**
 * etcd's configuration file as RKE2 writes it: TLS with client certificates on loopback and the node's address,
 * metrics on loopback unless exposed, heartbeat 500 and election 5000 ms (facts 10.1, 12 row 24).
 */
export function formatEtcdConfig(
  settings: Settings,
  layout: Layout,
  memberName: string,
  initialCluster: string,
  isNew: boolean,
): string {
  const { nodeIp } = settings;
  const tls = layout.etcdTls;
  const metrics = settings.etcdExposeMetrics
    ? `http://127.0.0.1:2381,http://${nodeIp}:2381`
    : 'http://127.0.0.1:2381';
  const values: Record<string, string | number> = {
    name: memberName,
    'data-dir': layout.etcdDir,
    'listen-client-urls': `https://127.0.0.1:2379,https://${nodeIp}:2379`,
    'advertise-client-urls': `https://${nodeIp}:2379`,
    'listen-peer-urls': `https://127.0.0.1:2380,https://${nodeIp}:2380`,
    'initial-advertise-peer-urls': `https://${nodeIp}:2380`,
    'listen-metrics-urls': metrics,
    'initial-cluster': initialCluster,
    'initial-cluster-state': isNew ? 'new' : 'existing',
    'heartbeat-interval': 500,
    'election-timeout': 5000,
    'snapshot-count': 10000,
    // The stand-in's API server speaks to etcd through this; a configuration file without it switches it off.
    'enable-grpc-gateway': 'true',
    logger: 'zap',
    'log-outputs': 'stderr',
  };
  for (const arg of settings.args.etcd) {
    const [key = '', ...rest] = arg.split('=');
    values[key] = rest.join('=');
  }
  const lines = Object.entries(values).map(
    ([key, value]) => `${key}: ${key === 'log-outputs' ? `[${value}]` : value}\n`,
  );
  const security = (side: string, leaf: string, ca: string) =>
    `${side}-transport-security:\n  cert-file: ${tls}/${leaf}.crt\n  key-file: ${tls}/${leaf}.key\n  client-cert-auth: true\n  trusted-ca-file: ${tls}/${ca}.crt\n`;
  return (
    lines.join('') +
    security('client', 'server-client', 'server-ca') +
    security('peer', 'peer-server-client', 'peer-ca')
  );
}

/** The static pods of a server; their arguments are what RKE2 passes, then the operator's own. */
export function serverPods(settings: Settings, layout: Layout, version: string): PodManifest[] {
  const tls = layout.tls;
  const own = (component: keyof Settings['args']) => settings.args[component].map((arg) => `--${arg}`);
  const client = (name: string) => [
    `--client-certificate=${tls}/${name}.crt`,
    `--client-key=${tls}/${name}.key`,
  ];
  const apiserver = [
    `--advertise-address=${settings.advertiseAddress}`,
    `--bind-address=${settings.bindAddress}`,
    '--secure-port=6443',
    '--anonymous-auth=false',
    `--client-ca-file=${tls}/client-ca.crt`,
    `--etcd-servers=https://127.0.0.1:2379`,
    `--etcd-cafile=${layout.etcdTls}/server-ca.crt`,
    `--etcd-certfile=${layout.etcdTls}/client.crt`,
    `--etcd-keyfile=${layout.etcdTls}/client.key`,
    `--service-cluster-ip-range=${settings.serviceCidr}`,
    `--tls-cert-file=${tls}/serving-kube-apiserver.crt`,
    `--tls-private-key-file=${tls}/serving-kube-apiserver.key`,
    ...own('kube-apiserver'),
  ];
  const manager = [
    `--cluster-cidr=${settings.clusterCidr}`,
    `--root-ca-file=${tls}/server-ca.crt`,
    ...client('client-controller'),
  ];
  return [
    toPod('etcd', version, 'etcd', [`--config-file=${etcdConfigPath(layout)}`, ...own('etcd')]),
    toPod('kube-apiserver', version, 'kube-apiserver', apiserver),
    toPod('kube-controller-manager', version, 'kube-controller-manager', [
      ...manager,
      ...own('kube-controller-manager'),
    ]),
    toPod('kube-scheduler', version, 'kube-scheduler', [
      ...client('client-scheduler'),
      ...own('kube-scheduler'),
    ]),
  ];
}
