import { AppError } from '@/lib/core/errors';
import type { NodeId } from '@/lib/core/ids';
import type { Topology } from './topology';

/**
 * Gives every node of a document that is not checked yet the id that it shall have: its own where `previous` knows it
 * (so a node can be renamed), else that of the previous node with the same name, else a new one. Ids that `previous`
 * does not know are dropped: host keys and samples hang on ids, so only we hand them out. Throws an `AppError` where
 * two nodes would get one id. What is no object stays as it is; the schema reports it.
 */
export function reconcileNodeIds(document: unknown, previous: Topology | null, newId: () => NodeId): unknown {
  if (!isObject(document) || !Array.isArray(document.nodes)) return document;
  const nodes: unknown[] = document.nodes;
  const known = new Map(previous?.nodes.map((node) => [node.id as string, node]));
  const byName = new Map(previous?.nodes.map((node) => [node.name, node.id]));
  const claimed = new Map<string, number>();
  nodes.forEach((node, index) => {
    const id = isObject(node) ? node.id : undefined;
    if (typeof id !== 'string' || !known.has(id)) return;
    const other = claimed.get(id);
    if (other !== undefined) {
      throw new AppError(
        'invalid',
        `nodes[${other}] and nodes[${index}] have the same id ${id}. Take one of them out.`,
      );
    }
    claimed.set(id, index);
  });
  const reconciled = nodes.map((node) => {
    if (!isObject(node)) return node;
    if (typeof node.id === 'string' && known.has(node.id)) return node;
    const matched = typeof node.name === 'string' ? byName.get(node.name) : undefined;
    // A name that appears twice matches once; the rules report the duplicate.
    if (matched === undefined || claimed.has(matched)) return { ...node, id: newId() };
    claimed.set(matched, -1);
    return { ...node, id: matched };
  });
  return { ...document, nodes: reconciled };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
