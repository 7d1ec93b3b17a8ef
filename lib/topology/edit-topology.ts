import { z } from 'zod';
import { Topology } from './topology';

/** Member names and list places from the document's root, such as `['nodes', 2, 'name']`. */
export const DocumentPath = z.array(z.union([z.string(), z.int().min(0)]));
export type DocumentPath = z.infer<typeof DocumentPath>;

/** One change of a topology: a value at a path, or, with `remove`, nothing there any more. */
export const TopologyEdit = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('set'), path: DocumentPath, value: z.unknown() }),
  z.strictObject({ op: z.literal('remove'), path: DocumentPath }),
]);
export type TopologyEdit = z.infer<typeof TopologyEdit>;

/** `nodes[2].name` for a path; `topology` for the root. */
export function toPathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'topology';
}

/**
 * The topology after the edits, in their order; the given one stays as it is. Throws a ZodError where the result is
 * no valid topology, and an Error for a path that leads through something that is not there.
 */
export function applyEdits(topology: Topology, edits: readonly TopologyEdit[]): Topology {
  return Topology.parse(
    edits.reduce<unknown>((document, edit) => withEdit(document, edit.path, edit), topology),
  );
}

function withEdit(value: unknown, path: readonly (string | number)[], edit: TopologyEdit): unknown {
  const [head, ...rest] = path;
  if (head === undefined) {
    if (edit.op === 'remove') throw new Error('a topology cannot be removed from itself');
    return edit.value;
  }
  if (Array.isArray(value)) {
    if (typeof head !== 'number' || head > value.length) throw new Error(`no place ${toPathText(edit.path)}`);
    const list: unknown[] = value;
    if (edit.op === 'remove' && rest.length === 0) return list.filter((_, index) => index !== head);
    return [...list.slice(0, head), withEdit(list[head], rest, edit), ...list.slice(head + 1)];
  }
  if (typeof value !== 'object' || value === null || typeof head !== 'string') {
    throw new Error(`no place ${toPathText(edit.path)}`);
  }
  const members = Object.entries(value).filter(([key]) => key !== head);
  if (edit.op === 'remove' && rest.length === 0) return Object.fromEntries(members);
  const member = Object.getOwnPropertyDescriptor(value, head)?.value as unknown; // a plain data member or undefined
  return Object.fromEntries([...members, [head, withEdit(member, rest, edit)]]);
}
