import { AppError } from '@/lib/core/errors';
import { toCount } from '@/lib/core/text';

/** A topology of 1,000 nodes has some 20,000 values and 0.5 MiB of text. */
const MAX_VALUES = 100_000;
const MAX_CHARACTERS = 2 * 1024 * 1024;
const MAX_DEPTH = 40;
/** What `Topology` takes; said here too, so that a list of a million nodes is not looked at one by one. */
export const MAX_NODES = 1_000;

/**
 * Refuses a document that is far larger or deeper than any topology before the schema looks at every value of it.
 * Walks without recursion, so that depth and cycles are harmless. Throws an `AppError` with code `invalid`.
 */
export function refuseBulk(document: unknown): void {
  let values = 0;
  let characters = 0;
  const open: { value: unknown; depth: number }[] = [{ value: document, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value === 'string') characters += value.length;
    if (typeof value === 'object' && value !== null) {
      if (depth >= MAX_DEPTH) throw tooMuch(`is nested more than ${MAX_DEPTH} levels deep`);
      for (const [key, member] of Object.entries(value)) {
        values += 1;
        if (!Array.isArray(value)) characters += key.length;
        open.push({ value: member, depth: depth + 1 });
        if (values > MAX_VALUES) throw tooMuch(`holds more than ${toCount(MAX_VALUES, 'value')}`);
      }
    }
    if (characters > MAX_CHARACTERS) throw tooMuch('holds more than 2 MiB of text');
  }
  refuseTooManyNodes(document);
}

function refuseTooManyNodes(document: unknown): void {
  if (typeof document !== 'object' || document === null || !('nodes' in document)) return;
  const { nodes } = document;
  if (!Array.isArray(nodes) || nodes.length <= MAX_NODES) return;
  throw new AppError(
    'invalid',
    `The topology has ${toCount(nodes.length, 'node')}; a site has at most ${MAX_NODES}. Make several sites.`,
    { fields: { nodes: `${toCount(nodes.length, 'node')}, at most ${MAX_NODES}` } },
  );
}

function tooMuch(what: string): AppError {
  return new AppError(
    'invalid',
    `The document ${what}. A topology of ${MAX_NODES} nodes has a fifth of that; look whether something else was sent.`,
  );
}
