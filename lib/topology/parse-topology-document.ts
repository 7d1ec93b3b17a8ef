import { AppError } from '@/lib/core/errors';
import type { NodeId } from '@/lib/core/ids';
import { toCount, toSafeLine } from '@/lib/core/text';
import { toPathText } from './edit-topology';
import { toProblems } from './issue-words';
import { reconcileNodeIds } from './reconcile-node-ids';
import { refuseBulk } from './refuse-bulk';
import { Topology } from './topology';

/** Problems beyond this many are counted, not listed. */
const MAX_PROBLEMS = 50;

export interface ParseOptions {
  /** Where known node ids come from, by id or name; null for a new site. */
  readonly previous: Topology | null;
  readonly newId: () => NodeId;
}

/**
 * A topology from a document of plain values, as JSON or YAML gives it. Node ids come from `previous` by id or name,
 * or from `newId` (contract 7). `findLine` says where in a text a path stands. Throws an `AppError` with code
 * `invalid`: the message names the first problem, `fields` holds them by path. Nothing is taken over in part.
 */
export function parseTopologyDocument(
  document: unknown,
  options: ParseOptions,
  findLine: (path: readonly PropertyKey[]) => number | null = () => null,
): Topology {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new AppError(
      'invalid',
      'The document holds no topology: it should start with fields such as pattern and nodes.',
    );
  }
  refuseBulk(document);
  const version = 'schemaVersion' in document ? document.schemaVersion : 1;
  if (version !== 1) {
    throw new AppError(
      'invalid',
      `The document has schemaVersion ${toVersionText(version)}; this Siteplan reads 1.`,
    );
  }
  const result = Topology.safeParse(reconcileNodeIds(document, options.previous, options.newId), {
    reportInput: true,
  });
  if (result.success) return result.data;
  throw toError(
    toProblems(result.error).map(({ path, message }) => {
      const line = findLine(path);
      return {
        path: toSafeLine(toPathText(path)),
        message: line === null ? message : `line ${line}: ${message}`,
      };
    }),
  );
}

function toVersionText(version: unknown): string {
  return typeof version === 'string' || typeof version === 'number'
    ? toSafeLine(String(version), 20)
    : 'of another kind';
}

function toError(problems: readonly { path: string; message: string }[]): AppError {
  const [first] = problems;
  const more = problems.length - 1;
  const rest = more > 0 ? ` (and ${toCount(more, 'more problem')})` : '';
  const fields = Object.fromEntries(
    problems.slice(0, MAX_PROBLEMS).map(({ path, message }) => [path, message]),
  );
  return new AppError('invalid', `${first?.path ?? 'topology'}, ${first?.message ?? 'not valid'}${rest}.`, {
    fields,
  });
}
