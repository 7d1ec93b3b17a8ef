import { isAlias, isCollection, isPair, LineCounter } from 'yaml';
import type { Document, ParsedNode } from 'yaml';
import { AppError } from '@/lib/core/errors';
import { findLine, lineAt, toDocument } from './parse-yaml';
import type { ParsedYaml } from './parse-yaml';
import { refuseBulk } from './refuse-bulk';

/** Values after anchors are written out; an inventory of 1,000 hosts has some 20,000. */
const MAX_VALUES = 100_000;

/**
 * Reads the YAML of an inventory from a stranger. Unlike `parseYaml` it takes anchors, aliases and merge keys, as far as
 * the text written out stays small; every scalar is the text that stands there (`22`, `yes`, `010`), and what Ansible
 * Vault encrypted is empty. With `ignoresMore` later documents do not count. Throws an `AppError` in words.
 */
export function parseInventoryYaml(text: string, ignoresMore: boolean): ParsedYaml {
  const lines = new LineCounter();
  const document = toDocument(text, lines, {
    ignoresMore,
    schema: 'failsafe',
    merge: true,
    logLevel: 'error',
    customTags: (tags) => [
      ...tags,
      { tag: '!vault', resolve: () => '' },
      { tag: '!unsafe', resolve: (value: string) => value },
    ],
  });
  refuseLargeAliases(document, lines);
  const value = toValue(document);
  refuseBulk(value);
  return { value, findLine: (path) => findLine(document, path, lines) };
}

/** Counts values as if every alias were written out, so that a bomb is refused before it is (merge keys included). */
function refuseLargeAliases(document: Document.Parsed, lines: LineCounter): void {
  const sizes = new Map<string, number>();
  measure(document.contents);

  function measure(node: ParsedNode | null): number {
    if (node === null) return 1;
    const refuse = (words: string) =>
      new AppError('invalid', `Line ${lineAt(lines, node.range[0])}: ${words}.`);
    if (isAlias(node)) {
      const size = sizes.get(node.source);
      if (size === undefined) throw refuse('this alias (*) has no anchor (&) above it, or stands within it');
      return size;
    }
    let size = 1;
    if (isCollection(node)) {
      for (const item of node.items) {
        size += isPair(item) ? measure(item.key) + measure(item.value) : measure(item);
        if (size > MAX_VALUES) throw refuse(`written out, the aliases make more than ${MAX_VALUES} values`);
      }
    }
    if (node.anchor !== undefined) sizes.set(node.anchor, size);
    return size;
  }
}

function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: -1 }) as unknown; // measured above
  } catch (cause) {
    throw new AppError('invalid', 'A merge key (<<) takes an alias of a map, or a list of such aliases.', {
      cause,
    });
  }
}
