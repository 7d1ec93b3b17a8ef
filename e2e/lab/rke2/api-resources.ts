/** One kind of object that the API server keeps. */
export interface ApiResource {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  namespaced: boolean;
  shortNames: readonly string[];
}

function resource(
  groupVersion: string,
  kind: string,
  plural: string,
  namespaced: boolean,
  ...shortNames: string[]
): ApiResource {
  const [group, version] = groupVersion.includes('/') ? groupVersion.split('/', 2) : ['', groupVersion];
  return {
    group: group ?? '',
    version: version ?? '',
    kind,
    plural,
    singular: kind.toLowerCase(),
    namespaced,
    shortNames,
  };
}

/** What the stand-in's API knows. Everything else is 404, as for a cluster without that resource. */
export const apiResources: readonly ApiResource[] = [
  resource('v1', 'Node', 'nodes', false, 'no'),
  resource('v1', 'Namespace', 'namespaces', false, 'ns'),
  resource('v1', 'Pod', 'pods', true, 'po'),
  resource('v1', 'ConfigMap', 'configmaps', true, 'cm'),
  resource('v1', 'Secret', 'secrets', true),
  resource('v1', 'Service', 'services', true, 'svc'),
  resource('v1', 'Event', 'events', true, 'ev'),
  resource('apps/v1', 'DaemonSet', 'daemonsets', true, 'ds'),
  resource('apps/v1', 'Deployment', 'deployments', true, 'deploy'),
  resource('coordination.k8s.io/v1', 'Lease', 'leases', true),
  resource('helm.cattle.io/v1', 'HelmChart', 'helmcharts', true),
  resource('helm.cattle.io/v1', 'HelmChartConfig', 'helmchartconfigs', true),
  resource('k3s.cattle.io/v1', 'ETCDSnapshotFile', 'etcdsnapshotfiles', false),
  resource('cilium.io/v2', 'CiliumNetworkPolicy', 'ciliumnetworkpolicies', true, 'cnp'),
];

export function toGroupVersion(item: ApiResource): string {
  return item.group === '' ? item.version : `${item.group}/${item.version}`;
}

export function findResource(group: string, version: string, plural: string): ApiResource | null {
  const matches = (item: ApiResource) =>
    item.group === group && item.version === version && item.plural === plural;
  return apiResources.find(matches) ?? null;
}

export function findKind(apiVersion: string, kind: string): ApiResource | null {
  return apiResources.find((item) => toGroupVersion(item) === apiVersion && item.kind === kind) ?? null;
}

/** The path of a resource's objects, or of one of them. */
export function toApiPath(item: ApiResource, namespace: string | null, name?: string): string {
  const root = item.group === '' ? `/api/${item.version}` : `/apis/${item.group}/${item.version}`;
  const scope = item.namespaced && namespace !== null ? `/namespaces/${namespace}` : '';
  return `${root}${scope}/${item.plural}${name === undefined ? '' : `/${name}`}`;
}

/** The answers to `/api`, `/apis`, `/api/v1` and `/apis/GROUP/VERSION`, or null for any other path. */
export function toDiscovery(path: string): unknown {
  const groups = [...new Set(apiResources.filter((item) => item.group !== '').map(toGroupVersion))];
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') {
    const entries = groups.map((groupVersion) => {
      const [name = '', version = ''] = groupVersion.split('/');
      return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
    });
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: entries };
  }
  const groupVersion = /^\/apis?\/(v1|[^/]+\/[^/]+)$/.exec(path)?.[1];
  const items = apiResources.filter((item) => toGroupVersion(item) === groupVersion);
  if (groupVersion === undefined || items.length === 0) return null;
  const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
  const resources = items.map((item) => ({
    name: item.plural,
    singularName: item.singular,
    namespaced: item.namespaced,
    kind: item.kind,
    shortNames: item.shortNames,
    verbs,
  }));
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

function required(apiVersion: string, kind: string): ApiResource {
  const found = findKind(apiVersion, kind);
  if (found === null) throw new Error(`no resource ${apiVersion} ${kind}`);
  return found;
}

/** The resources that the stand-in itself reads and writes. */
export const kinds = {
  node: required('v1', 'Node'),
  namespace: required('v1', 'Namespace'),
  pod: required('v1', 'Pod'),
  secret: required('v1', 'Secret'),
  daemonSet: required('apps/v1', 'DaemonSet'),
  deployment: required('apps/v1', 'Deployment'),
  snapshotFile: required('k3s.cattle.io/v1', 'ETCDSnapshotFile'),
  lease: required('coordination.k8s.io/v1', 'Lease'),
};
