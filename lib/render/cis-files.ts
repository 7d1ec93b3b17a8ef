import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';
import { toYaml } from './to-yaml';
import type { YamlValue } from './to-yaml';

export const ETCD_USER_PATH = '/etc/sysusers.d/siteplan-etcd.conf';
export const AUDIT_POLICY_PATH = '/etc/rancher/rke2/audit-policy.yaml';

/** The user and group that RKE2's CIS profile wants on servers, or else ends at once (RKE2 docs security/hardening_guide). */
export function renderEtcdUser({ security }: Topology, node: TopologyNode): RenderedFile | null {
  if (!security.cisProfile || node.role !== 'server') return null;
  return toPlainFile({
    path: ETCD_USER_PATH,
    body: 'u etcd - "etcd user" - /usr/sbin/nologin\n',
    purpose: 'The user etcd, which the CIS profile asks for; `systemd-sysusers` makes it.',
  });
}

/**
 * What the API server writes into its audit log under the CIS profile: RKE2 puts a policy that logs nothing at this
 * path, unless a file is there (RKE2 pkg/podtemplate). Bodies stay out, because they hold secrets; what only the
 * machinery reads all the time stays out, because it would push out the rest (Kubernetes docs tasks/debug/audit).
 */
export function renderAuditPolicy({ security }: Topology, node: TopologyNode): RenderedFile | null {
  if (!security.cisProfile || node.role !== 'server') return null;
  return toPlainFile({
    path: AUDIT_POLICY_PATH,
    body: toYaml(AUDIT_POLICY),
    mode: '0600',
    readBy: ['rke2-server.service'],
    purpose: 'Who did what through the API goes into the audit log, without contents.',
  });
}

const AUDIT_POLICY: YamlValue = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/version'] },
    {
      level: 'None',
      users: ['system:kube-scheduler', 'system:kube-controller-manager', 'system:apiserver'],
      verbs: ['get', 'list', 'watch'],
    },
    { level: 'None', userGroups: ['system:nodes'], verbs: ['get', 'list', 'watch'] },
    {
      level: 'None',
      verbs: ['get', 'update', 'patch'],
      resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }],
    },
    { level: 'None', resources: [{ group: '', resources: ['events'] }] },
    { level: 'Metadata' },
  ],
};
