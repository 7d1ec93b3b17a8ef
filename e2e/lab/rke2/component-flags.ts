/**
 * Flags that a component accepts, so that a wrong `*-arg` kills it as it does in RKE2 (facts 10.1: unlike an unknown
 * key in config.yaml). The first of each pair is what the stand-in itself passes, the second what operators pass;
 * a real component knows many more.
 */
const acceptedFlags: Record<string, readonly string[]> = {
  'kube-apiserver': [
    'advertise-address',
    'bind-address',
    'secure-port',
    'anonymous-auth',
    'client-ca-file',
    'etcd-servers',
    'etcd-cafile',
    'etcd-certfile',
    'etcd-keyfile',
    'service-cluster-ip-range',
    'tls-cert-file',
    'tls-private-key-file',
    'default-not-ready-toleration-seconds',
    'default-unreachable-toleration-seconds',
    'authentication-config',
    'admission-control-config-file',
    'audit-log-maxage',
    'audit-log-maxbackup',
    'audit-log-maxsize',
    'audit-log-path',
    'audit-policy-file',
    'enable-admission-plugins',
    'event-ttl',
    'feature-gates',
    'max-requests-inflight',
    'max-mutating-requests-inflight',
    'profiling',
    'request-timeout',
    'tls-cipher-suites',
    'tls-min-version',
    'v',
  ],
  'kube-controller-manager': [
    'cluster-cidr',
    'root-ca-file',
    'client-certificate',
    'client-key',
    'node-monitor-grace-period',
    'node-monitor-period',
    'leader-elect',
    'leader-elect-lease-duration',
    'leader-elect-renew-deadline',
    'leader-elect-retry-period',
    'bind-address',
    'feature-gates',
    'profiling',
    'terminated-pod-gc-threshold',
    'v',
  ],
  'kube-scheduler': [
    'client-certificate',
    'client-key',
    'leader-elect',
    'leader-elect-lease-duration',
    'leader-elect-renew-deadline',
    'leader-elect-retry-period',
    'bind-address',
    'feature-gates',
    'profiling',
    'config',
    'v',
  ],
  kubelet: [
    'config',
    'node-ip',
    'node-labels',
    'max-pods',
    'system-reserved',
    'kube-reserved',
    'eviction-hard',
    'feature-gates',
    'image-gc-high-threshold',
    'image-gc-low-threshold',
    'protect-kernel-defaults',
    'node-status-update-frequency',
    'streaming-connection-idle-timeout',
    'make-iptables-util-chains',
    'v',
  ],
};

/** Parses `--flag=value` arguments; throws `unknown flag: --name` as the component itself would. */
export function parseComponentFlags(component: string, argv: readonly string[]): Map<string, string> {
  const accepted = acceptedFlags[component] ?? [];
  const flags = new Map<string, string>();
  for (const arg of argv) {
    const [, name = arg, value = 'true'] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(arg) ?? [];
    if (!accepted.includes(name)) throw new Error(`unknown flag: --${name}`);
    flags.set(name, value);
  }
  return flags;
}

/** Milliseconds of a Go duration such as `180s`, `1m30s` or `500ms`; throws when it is none. */
export function parseGoDuration(text: string): number {
  const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.map((part) => part[0]).join('') !== text || parts.length === 0)
    throw new Error(`invalid duration "${text}"`);
  return parts.reduce((sum, part) => sum + Number(part[1]) * (unitMs[part[2] ?? ''] ?? 0), 0);
}

/**
 * client-go refuses to start a leader election whose times do not fit: lease > renew > 1.2 × retry (facts 10.1).
 */
export function checkLeaderElection(flags: ReadonlyMap<string, string>): void {
  const read = (name: string, fallback: string) =>
    parseGoDuration(flags.get(`leader-elect-${name}`) ?? fallback);
  const [lease, renew, retry] = [
    read('lease-duration', '15s'),
    read('renew-deadline', '10s'),
    read('retry-period', '2s'),
  ];
  if (lease <= renew) throw new Error('leaseDuration must be greater than renewDeadline');
  if (renew <= 1.2 * retry) throw new Error('renewDeadline must be greater than retryPeriod*JitterFactor');
}
