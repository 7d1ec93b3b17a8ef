import type { Topology } from '@/lib/topology/topology';
import { MANAGED_HEADER } from './managed-header';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';
import { toYaml } from './to-yaml';
import type { YamlValue } from './to-yaml';

export const LOCAL_PATH_STORAGE_PATH =
  '/var/lib/rancher/rke2/server/manifests/siteplan-local-path-storage.yaml';

const NAME = 'local-path-provisioner';
const NAMESPACE = 'local-path-storage';
const ACCOUNT = 'local-path-provisioner-service-account';
/** Both under `rancher/`, as RKE2's own images are, so that one mirror serves all. */
const PROVISIONER_IMAGE = 'rancher/local-path-provisioner:v0.0.37';
const HELPER_IMAGE = 'rancher/mirrored-library-busybox:1.37.0';

/**
 * Volumes on the nodes' own disks, because RKE2 brings no storage class; null where the topology does not ask for it.
 * Objects, rights and settings as in rancher/local-path-provisioner 0.0.37, deploy/. Taking the file away leaves the
 * objects, and so the volumes, in the cluster (RKE2 docs add-ons/helm).
 */
export function renderLocalPathStorage({ edge }: Topology): RenderedFile | null {
  if (!edge.localPathStorage) return null;
  const documents = [
    ...toAccess(),
    toSettings(edge.localPathDirectory),
    toDeployment(),
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: {
        name: 'local-path',
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      },
      provisioner: 'rancher.io/local-path',
      volumeBindingMode: 'WaitForFirstConsumer',
      reclaimPolicy: 'Delete',
    },
  ];
  return {
    ...toPlainFile({
      path: LOCAL_PATH_STORAGE_PATH,
      body: '',
      mode: '0600',
      purpose: 'Persistent volumes on the disks of the nodes.',
    }),
    content: MANAGED_HEADER + documents.map(toYaml).join('---\n'),
  };
}

const READ = ['get', 'list', 'watch'];
const WRITE = [...READ, 'create', 'patch', 'update', 'delete'];

function toAccess(): YamlValue[] {
  const rule = (group: string, resources: string[], verbs: string[]) => ({
    apiGroups: [group],
    resources,
    verbs,
  });
  const bind = (kind: 'Role' | 'ClusterRole', own: Record<string, YamlValue>) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: `${kind}Binding`,
    metadata: { name: 'local-path-provisioner-bind', ...own },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: 'local-path-provisioner-role' },
    subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: NAMESPACE }],
  });
  const role = (
    kind: 'Role' | 'ClusterRole',
    own: Record<string, YamlValue>,
    rules: ReturnType<typeof rule>[],
  ) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: { name: 'local-path-provisioner-role', ...own },
    rules,
  });
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: NAMESPACE,
        // Its helper pods mount directories of the host, which the CIS profile's default would refuse.
        labels: { 'pod-security.kubernetes.io/enforce': 'privileged' },
      },
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT, namespace: NAMESPACE } },
    role('Role', { namespace: NAMESPACE }, [rule('', ['pods'], WRITE)]),
    role('ClusterRole', {}, [
      rule('', ['nodes', 'persistentvolumeclaims', 'configmaps', 'pods', 'pods/log'], READ),
      rule('', ['persistentvolumes'], WRITE),
      rule('', ['events'], ['create', 'patch']),
      rule('storage.k8s.io', ['storageclasses'], READ),
    ]),
    bind('Role', { namespace: NAMESPACE }),
    bind('ClusterRole', {}),
  ];
}

/** Scripts and pod that the provisioner starts on a node to make and delete a volume; `VOL_DIR` comes from it. */
function toSettings(directory: string): YamlValue {
  const paths = { nodePathMap: [{ node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: [directory] }] };
  const helperPod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'helper-pod' },
    spec: {
      priorityClassName: 'system-node-critical',
      tolerations: [{ key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' }],
      containers: [{ name: 'helper-pod', image: HELPER_IMAGE, imagePullPolicy: 'IfNotPresent' }],
    },
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'local-path-config', namespace: NAMESPACE },
    data: {
      'config.json': `${JSON.stringify(paths, null, 2)}\n`,
      setup: '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n',
      teardown: '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n',
      'helperPod.yaml': toYaml(helperPod),
    },
  };
}

function toDeployment(): YamlValue {
  const labels = { app: NAME };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: ACCOUNT,
          containers: [toContainer()],
          volumes: [{ name: 'config-volume', configMap: { name: 'local-path-config' } }],
        },
      },
    },
  };
}

function toContainer(): YamlValue {
  return {
    name: NAME,
    image: PROVISIONER_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: [NAME, 'start', '--config', '/etc/config/config.json'],
    env: [
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'CONFIG_MOUNT_PATH', value: '/etc/config/' },
      { name: 'HEALTH_PORT', value: '8080' },
    ],
    ports: [{ name: 'health', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/ready', port: 'health' }, periodSeconds: 5 },
    livenessProbe: {
      httpGet: { path: '/health', port: 'health' },
      initialDelaySeconds: 60,
      periodSeconds: 10,
    },
    volumeMounts: [{ name: 'config-volume', mountPath: '/etc/config/' }],
  };
}
