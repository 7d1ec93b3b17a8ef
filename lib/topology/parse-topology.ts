import type { z } from 'zod';
import { AppError } from '@/lib/core/errors';
import type { NodeId } from '@/lib/core/ids';
import { toCount, toSafeLine } from '@/lib/core/text';
import { toPathText } from './edit-topology';
import { parseYaml } from './parse-yaml';
import { reconcileNodeIds } from './reconcile-node-ids';
import { Topology } from './topology';

/** Problems beyond this many are counted, not listed. */
const MAX_PROBLEMS = 50;

/**
 * A topology from YAML or JSON text. Node ids come from `previous` by id or name, or from `newId` (contract 7).
 * Throws an `AppError` with code `invalid`: the message names the first problem with its line, `fields` holds all of
 * them by path. Nothing is taken over in part.
 */
export function parseTopology(
  text: string,
  options: { previous: Topology | null; newId: () => NodeId },
): Topology {
  const { value, findLine } = parseYaml(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError(
      'invalid',
      'The file holds no topology: it should start with fields such as pattern and nodes.',
    );
  }
  const version = 'schemaVersion' in value ? value.schemaVersion : 1;
  if (version !== 1) {
    throw new AppError(
      'invalid',
      `The file has schemaVersion ${toSafeLine(JSON.stringify(version) ?? '', 20)}; this Siteplan reads 1.`,
    );
  }
  const result = Topology.safeParse(reconcileNodeIds(value, options.previous, options.newId));
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap(toProblems).map(({ path, message }) => {
    const line = findLine(path);
    return {
      path: toSafeLine(toPathText(path)),
      message: line === null ? message : `line ${line}: ${message}`,
    };
  });
  throw toError(problems);
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

type Issue = z.core.$ZodIssue;

function toProblems(issue: Issue): { path: PropertyKey[]; message: string }[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: toWords(issue) }];
  return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'there is no such field' }));
}

function toWords(issue: Issue): string {
  if (issue.code === 'invalid_key')
    return `not a valid name: ${issue.issues.map(({ message }) => message).join(', ')}`;
  return toSafeLine(issue.message.charAt(0).toLowerCase() + issue.message.slice(1));
}
