import { Composer, isAlias, isCollection, isScalar, LineCounter, Parser, visit } from 'yaml';
import type { CST, Document, DocumentOptions, SchemaOptions } from 'yaml';
import { AppError } from '@/lib/core/errors';
import { toSafeLine } from '@/lib/core/text';

/** A full topology of 1,000 nodes is under 0.5 MiB; reading 10 MiB of YAML takes 8 s and 2 GiB (measured). */
export const MAX_YAML_CHARACTERS = 2 * 1024 * 1024;
/** The schema is eight levels deep. Deeper text would exhaust the stack of the library, which then ends the process. */
const MAX_DEPTH = 40;

/** A YAML text as plain data, with a way from a path to the line that holds it. */
export interface ParsedYaml {
  readonly value: unknown;
  /** Line (from 1) of the innermost member on the path that the text has. */
  readonly findLine: (path: readonly PropertyKey[]) => number | null;
}

/**
 * Reads one YAML 1.2 document (so JSON too) from a stranger. Throws an `AppError` in words for text that is too large,
 * too deep, malformed, several documents, has a key twice, or uses anchors, which no topology needs and bombs do.
 */
export function parseYaml(text: string): ParsedYaml {
  if (text.length > MAX_YAML_CHARACTERS) {
    throw new AppError(
      'invalid',
      `The file has ${(text.length / 1024 / 1024).toFixed(1)} MiB. A topology of 1,000 nodes is under 0.5 MiB; at most 2 MiB are read.`,
    );
  }
  const lines = new LineCounter();
  const document = toDocument(text, lines);
  refuseAnchors(document, lines);
  return {
    value: document.toJS({ maxAliasCount: 0 }) as unknown,
    findLine: (path) => findLine(document, path, lines),
  };
}

interface DocumentForm extends DocumentOptions, SchemaOptions {
  /** True: documents after the first do not count. */
  readonly ignoresMore?: boolean;
}

/** The document of a text with its errors refused in words; `form` says how scalars and tags are read. */
export function toDocument(
  text: string,
  lines: LineCounter,
  { ignoresMore = false, ...form }: DocumentForm = {},
): Document.Parsed {
  const tokens: CST.Token[] = [];
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    refuseDepth(token, lines);
    tokens.push(token);
  }
  // Pretty errors would quote the text around the error, of any length.
  const documents = [
    ...new Composer({ ...form, prettyErrors: false, lineCounter: lines }).compose(tokens, true, text.length),
  ];
  const [document, second] = documents;
  if (!document || document.contents === null) throw new AppError('invalid', 'The file is empty.');
  if (second && !ignoresMore) {
    throw new AppError(
      'invalid',
      `Line ${lineAt(lines, second.range[0])}: a second document starts here. Keep one in a file.`,
    );
  }
  const [error] = [...document.errors, ...document.warnings];
  if (error) {
    throw new AppError('invalid', `Line ${lineAt(lines, error.pos[0])}: ${toSafeLine(error.message)}.`);
  }
  return document;
}

/** Walks without recursion: the parser keeps its own stack, but composing recurses. */
function refuseDepth(root: CST.Token, lines: LineCounter): void {
  const open: { token: CST.Token; depth: number }[] = [{ token: root, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { token, depth } = next;
    if (depth > MAX_DEPTH) {
      throw new AppError(
        'invalid',
        `Line ${lineAt(lines, 'offset' in token ? token.offset : 0)}: nested more than ${MAX_DEPTH} levels deep.`,
      );
    }
    if (token.type === 'document' && token.value) open.push({ token: token.value, depth: depth + 1 });
    if (!('items' in token)) continue;
    for (const item of token.items) {
      if (item.key) open.push({ token: item.key, depth: depth + 1 });
      if (item.value) open.push({ token: item.value, depth: depth + 1 });
    }
  }
}

function refuseAnchors(document: Document.Parsed, lines: LineCounter): void {
  visit(document, {
    Node: (_key, node) => {
      const isAnchored = 'anchor' in node && node.anchor !== undefined;
      if (!isAnchored && !isAlias(node)) return;
      const line = lineAt(lines, node.range?.[0] ?? 0);
      throw new AppError(
        'invalid',
        `Line ${line}: anchors and aliases (& and *) are not read. Write the value out.`,
      );
    },
  });
}

/** Line (from 1) of the innermost member on the path that the document has. */
export function findLine(
  document: Document.Parsed,
  path: readonly PropertyKey[],
  lines: LineCounter,
): number | null {
  let node: unknown = document.contents;
  let offset: number | null = null;
  for (const part of path) {
    if (!isCollection(node)) break;
    const item: unknown = node.items.find((candidate, index) => {
      if (isPairLike(candidate))
        return isScalar(candidate.key) && String(candidate.key.value) === String(part);
      return index === part;
    });
    if (item === undefined) break;
    const shown: unknown = isPairLike(item) ? item.key : item;
    if (isRanged(shown)) offset = shown.range[0];
    node = isPairLike(item) ? item.value : item;
  }
  return offset === null ? null : lineAt(lines, offset);
}

function isPairLike(value: unknown): value is { key: unknown; value: unknown } {
  return typeof value === 'object' && value !== null && 'key' in value && 'value' in value;
}

function isRanged(value: unknown): value is { range: [number, number, number] } {
  return typeof value === 'object' && value !== null && 'range' in value && Array.isArray(value.range);
}

export function lineAt(lines: LineCounter, offset: number): number {
  return Math.max(1, lines.linePos(offset).line);
}
