import { canonicalJson } from '@/lib/core/hash';
import { toPathText } from './edit-topology';
import type { Topology } from './topology';

/** One difference between two topologies. Values are JSON text, null for "not there". */
export interface TopologyChange {
  /** `cilium.wireguard`, `nodes[s2].zone`: nodes by name, because places in a list mean nothing to a reader. */
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly before: string | null;
  readonly after: string | null;
  /** One line for a person: `cilium.wireguard: false → true`. */
  readonly text: string;
}

/**
 * What changed from one revision to the next, in the document's order; nodes are matched by id, so a renamed node
 * is one change and not two. Empty for equal topologies. Positions in the drawing are left out: they change no host.
 */
export function diffTopology(before: Topology, after: Topology): TopologyChange[] {
  const { nodes: nodesBefore, ...restBefore } = before;
  const { nodes: nodesAfter, ...restAfter } = after;
  const byIdBefore = new Map(nodesBefore.map((node) => [node.id, node]));
  const byIdAfter = new Map(nodesAfter.map((node) => [node.id, node]));
  const nodeChanges = [
    ...nodesBefore
      .filter(({ id }) => !byIdAfter.has(id))
      .map((node) => toChange(`nodes[${node.name}]`, summaryOf(node), undefined)),
    ...nodesAfter.flatMap((node) => {
      const old = byIdBefore.get(node.id);
      if (!old) return [toChange(`nodes[${node.name}]`, undefined, summaryOf(node))];
      return diffValues(
        [`nodes[${old.name}]`],
        { ...old, position: undefined },
        { ...node, position: undefined },
      );
    }),
  ];
  const kept = (list: Topology['nodes'], other: Map<string, unknown>) =>
    list.filter(({ id }) => other.has(id)).map(({ id }) => id);
  const hasNewOrder =
    canonicalJson(kept(nodesBefore, byIdAfter)) !== canonicalJson(kept(nodesAfter, byIdBefore));
  const names = (list: Topology['nodes']) => list.map(({ name }) => name);
  const order = hasNewOrder ? [toChange('nodes, order', names(nodesBefore), names(nodesAfter))] : [];
  return [...nodeChanges, ...order, ...diffValues([], restBefore, restAfter)];
}

function diffValues(path: readonly string[], before: unknown, after: unknown): TopologyChange[] {
  if (before === after) return [];
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => diffValues([...path, key], before[key], after[key]));
  }
  if (before !== undefined && after !== undefined && canonicalJson(before) === canonicalJson(after))
    return [];
  return [toChange(toPathText(path), before, after)];
}

function toChange(path: string, before: unknown, after: unknown): TopologyChange {
  const [old, now] = [before, after].map((value) => (value === undefined ? null : canonicalJson(value)));
  const kind = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  const words = {
    added: `added ${now}`,
    removed: `removed, was ${old}`,
    changed: `${old} → ${now}`,
  } as const;
  return { path, kind, before: old ?? null, after: now ?? null, text: `${path}: ${words[kind]}` };
}

function summaryOf({ name, role, internalIp }: Topology['nodes'][number]) {
  return { name, role, internalIp };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
