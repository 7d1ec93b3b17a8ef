/** Any Kubernetes object: what every one has, and whatever its kind adds. */
export interface ApiObject {
  apiVersion?: string;
  kind?: string;
  metadata: ApiMetadata;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [field: string]: unknown;
}

export interface ApiMetadata {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  [field: string]: unknown;
}

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastHeartbeatTime?: string;
  lastTransitionTime?: string;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists that a strategic merge joins by a key; others, a Node's taints too, are replaced (Kubernetes api core/v1). */
const mergeKeys: Record<string, string> = {
  conditions: 'type',
  addresses: 'type',
  containers: 'name',
};

/**
 * Applies a patch to an object: null removes, objects merge, lists replace; in a strategic patch the few lists with a
 * merge key are joined by it.
 */
export function mergePatch(target: unknown, patch: unknown, isStrategic: boolean, field = ''): unknown {
  if (Array.isArray(patch) && Array.isArray(target) && isStrategic && mergeKeys[field] !== undefined) {
    return mergeLists(target, patch, mergeKeys[field]);
  }
  if (!isRecord(patch)) return patch;
  const base: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete base[key];
    else base[key] = mergePatch(base[key], value, isStrategic, key);
  }
  return base;
}

function mergeLists(target: unknown[], patch: unknown[], key: string): unknown[] {
  const merged = [...target];
  for (const item of patch) {
    const isSame = (other: unknown) => isRecord(other) && isRecord(item) && other[key] === item[key];
    const index = merged.findIndex(isSame);
    const removes = isRecord(item) && item['$patch'] === 'delete';
    if (removes && index >= 0) merged.splice(index, 1);
    else if (removes) continue;
    else if (index >= 0) merged[index] = mergePatch(merged[index], item, true);
    else merged.push(item);
  }
  return merged;
}

/** Whether an object's labels satisfy `a=b,c!=d,e,!f`. */
export function matchesLabels(object: ApiObject, selector: string | null): boolean {
  const labels = object.metadata.labels ?? {};
  return (selector ?? '')
    .split(',')
    .filter(Boolean)
    .every((term) => {
      const [, not, key = '', operator, value] = /^(!?)([^=!]+)(==?|!=)?(.*)$/.exec(term.trim()) ?? [];
      if (operator === undefined) return key in labels === (not !== '!');
      return operator === '!=' ? labels[key] !== value : labels[key] === value;
    });
}

/** Whether an object's fields satisfy `metadata.name=x,spec.nodeName=y`. */
export function matchesFields(object: ApiObject, selector: string | null): boolean {
  return (selector ?? '')
    .split(',')
    .filter(Boolean)
    .every((term) => {
      const [path = '', value = ''] = term.split(/==?/);
      const found = path
        .split('.')
        .reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), object);
      return String(found ?? '') === value;
    });
}
