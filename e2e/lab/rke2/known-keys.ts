/**
 * The configuration keys that RKE2 knows, per role, as flag names. A key that is in neither list is skipped with a
 * warning, never fatal (RKE2 docs reference/server_config, reference/linux_agent_config; facts 2.1, 2.2). The keys
 * that only k3s has (cluster-init, flannel-*, vpn-auth, https-listen-port ...) are unknown to RKE2 and so not here.
 */
const componentKeys = [
  'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'etcd', 'cloud-controller-manager',
].flatMap((component) => [`${component}-image`, `${component}-extra-mount`, `${component}-extra-env`]); // prettier-ignore

const commonKeys = [
  'config', 'debug', 'data-dir', 'token', 'token-file', 'node-name', 'with-node-id', 'node-label', 'node-taint',
  'image-credential-provider-bin-dir', 'image-credential-provider-config', 'container-runtime-endpoint',
  'disable-default-registry-endpoint', 'nonroot-devices', 'default-runtime', 'private-registry', 'node-ip',
  'node-external-ip', 'node-internal-dns', 'node-external-dns', 'resolv-conf', 'kubelet-arg', 'kube-proxy-arg',
  'server', 'protect-kernel-defaults', 'snapshotter', 'selinux', 'lb-server-port', 'airgap-extra-registry',
  'bind-address', 'enable-pprof', 'system-default-registry', 'pause-image', 'runtime-image', 'kubelet-path',
  'cloud-provider-name', 'cloud-provider-config', 'node-name-from-cloud-provider-metadata', 'profile',
  'audit-policy-file', 'pod-security-admission-config-file', 'control-plane-resource-requests',
  'control-plane-resource-limits', 'control-plane-probe-configuration', ...componentKeys,
]; // prettier-ignore

const serverOnlyKeys = [
  'cni', 'ingress-controller', 'enable-servicelb', 'servicelb-namespace', 'advertise-address', 'tls-san',
  'tls-san-security', 'cluster-cidr', 'service-cidr', 'cluster-reset', 'cluster-reset-restore-path', 'cluster-dns',
  'cluster-domain', 'write-kubeconfig', 'write-kubeconfig-mode', 'write-kubeconfig-group', 'write-kubeconfig-name',
  'kube-apiserver-arg', 'etcd-arg', 'kube-scheduler-arg', 'kube-controller-manager-arg',
  'kube-cloud-controller-manager-arg', 'datastore-endpoint', 'datastore-cafile', 'datastore-certfile',
  'datastore-keyfile', 'disable', 'disable-agent', 'disable-scheduler', 'disable-cloud-controller',
  'disable-kube-proxy', 'disable-apiserver', 'disable-controller-manager', 'disable-etcd', 'etcd-disable-snapshots',
  'etcd-snapshot-schedule-cron', 'etcd-snapshot-reconcile-interval', 'etcd-snapshot-retention', 'etcd-snapshot-dir',
  'etcd-snapshot-name', 'etcd-snapshot-compress', 'embedded-registry', 'supervisor-metrics', 'egress-selector-mode',
  'agent-token', 'agent-token-file', 'secrets-encryption', 'secrets-encryption-provider', 'service-node-port-range',
  'etcd-expose-metrics', 'helm-job-image', 'helm-controller-arg', 'etcd-s3', 'etcd-s3-access-key', 'etcd-s3-bucket',
  'etcd-s3-bucket-lookup-type', 'etcd-s3-config-secret', 'etcd-s3-endpoint', 'etcd-s3-endpoint-ca', 'etcd-s3-folder',
  'etcd-s3-insecure', 'etcd-s3-proxy', 'etcd-s3-region', 'etcd-s3-retention', 'etcd-s3-secret-key',
  'etcd-s3-session-token', 'etcd-s3-skip-ssl-verify', 'etcd-s3-timeout',
]; // prettier-ignore

export type Rke2Role = 'server' | 'agent';

export function isKnownKey(role: Rke2Role, key: string): boolean {
  return commonKeys.includes(key) || (role === 'server' && serverOnlyKeys.includes(key));
}
