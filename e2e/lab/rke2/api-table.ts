import type { ApiObject, Condition } from './api-object';
import type { ApiResource } from './api-resources';

interface Column {
  name: string;
  type: 'string' | 'integer';
  /** 0 always, 1 with `-o wide`. */
  priority: 0 | 1;
  cell: (object: ApiObject, nowMs: number) => string | number;
}

/** Ages as kubectl shows them: 42s, 5m30s, 3h, 2d. */
export function formatAge(created: string | undefined, nowMs: number): string {
  if (created === undefined) return '<unknown>';
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(created)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

function column(name: string, cell: Column['cell'], priority: 0 | 1 = 0): Column {
  return { name, type: 'string', priority, cell };
}

const nameColumn = column('Name', (object) => object.metadata.name);
const ageColumn = column('Age', (object, nowMs) => formatAge(object.metadata.creationTimestamp, nowMs));

// Objects come from the store, where the stand-in itself wrote these shapes.
const statusOf = (object: ApiObject) => (object.status ?? {}) as Record<string, never>;
const infoOf = (object: ApiObject) => (statusOf(object)['nodeInfo'] ?? {}) as Record<string, string>;
const addressOf = (object: ApiObject, type: string) =>
  ((statusOf(object)['addresses'] ?? []) as { type: string; address: string }[]).find(
    (item) => item.type === type,
  )?.address;

function nodeStatus(node: ApiObject): string {
  const conditions = (statusOf(node)['conditions'] ?? []) as Condition[];
  const ready = conditions.find((condition) => condition.type === 'Ready');
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.['unschedulable'] === true ? `${word},SchedulingDisabled` : word;
}

function nodeRoles(node: ApiObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(node.metadata.labels ?? {}).filter((label) => label.startsWith(prefix));
  return (
    roles
      .map((label) => label.slice(prefix.length))
      .sort()
      .join(',') || '<none>'
  );
}

function podReady(pod: ApiObject): string {
  const statuses = (statusOf(pod)['containerStatuses'] ?? []) as { ready: boolean }[];
  return `${statuses.filter((status) => status.ready).length}/${statuses.length}`;
}

function podRestarts(pod: ApiObject): number {
  const statuses = (statusOf(pod)['containerStatuses'] ?? []) as { restartCount: number }[];
  return statuses.reduce((sum, status) => sum + status.restartCount, 0);
}

const columnsByPlural: Record<string, Column[]> = {
  nodes: [
    nameColumn,
    column('Status', nodeStatus),
    column('Roles', nodeRoles),
    ageColumn,
    column('Version', (node) => infoOf(node)['kubeletVersion'] ?? '<unknown>'),
    column('Internal-IP', (node) => addressOf(node, 'InternalIP') ?? '<none>', 1),
    column('External-IP', (node) => addressOf(node, 'ExternalIP') ?? '<none>', 1),
    column('OS-Image', (node) => infoOf(node)['osImage'] ?? '<unknown>', 1),
    column('Kernel-Version', (node) => infoOf(node)['kernelVersion'] ?? '<unknown>', 1),
    column('Container-Runtime', (node) => infoOf(node)['containerRuntimeVersion'] ?? '<unknown>', 1),
  ],
  pods: [
    nameColumn,
    column('Ready', podReady),
    column('Status', (pod) => String(statusOf(pod)['phase'] ?? 'Unknown')),
    { ...column('Restarts', podRestarts), type: 'integer' },
    ageColumn,
    column('IP', (pod) => String(statusOf(pod)['podIP'] ?? '<none>'), 1),
    column('Node', (pod) => String(pod.spec?.['nodeName'] ?? '<none>'), 1),
  ],
};

/** The table that a server prints for kubectl, so that `kubectl get nodes` shows status, roles and version. */
export function toTable(
  resource: ApiResource,
  objects: readonly ApiObject[],
  revision: string,
  nowMs: number,
): unknown {
  const columns = columnsByPlural[resource.plural] ?? [nameColumn, ageColumn];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: revision },
    columnDefinitions: columns.map((item) => ({
      name: item.name,
      type: item.type,
      format: item.name === 'Name' ? 'name' : '',
      description: '',
      priority: item.priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((item) => item.cell(object, nowMs)),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  };
}
