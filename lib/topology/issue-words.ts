import type { z } from 'zod';
import { toSafeLine } from '@/lib/core/text';

type Issue = z.core.$ZodIssue;

/** One thing that the schema refuses: its place in the document, and words without a capital or a full stop. */
export interface DocumentProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const KINDS: Readonly<Record<string, string>> = {
  boolean: 'write true or false',
  number: 'write a number',
  int: 'write a whole number',
  string: 'write text, in quotes where it reads like a number or a date',
  array: 'write a list',
  object: 'write fields below it',
  record: 'write names and values below it',
};

/**
 * What a schema refuses, in words for the person who wrote it. Give the schema `reportInput: true`, or a missing
 * value is told like one of the wrong kind. The refused values themselves are never quoted: they may be secrets.
 */
export function toProblems(error: z.ZodError): DocumentProblem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: toIssueWords(issue) }];
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'there is no such field' }));
  });
}

/** One refusal in words; a message that a schema brings itself stays. */
export function toIssueWords(issue: Issue): string {
  if (issue.code === 'invalid_key') {
    return `not a valid name: ${issue.issues.map(({ message }) => message).join(', ')}`;
  }
  const isOwn = !/^(Invalid|Too big|Too small|Unrecognized)\b/.test(issue.message);
  return isOwn ? toSafeLine(lowerFirst(issue.message)) : toGenericWords(issue);
}

function toGenericWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined && 'input' in issue) return 'is missing';
      return KINDS[issue.expected] ?? `write a value of the kind ${issue.expected}`;
    case 'invalid_value':
      if (issue.input === undefined && 'input' in issue) return 'is missing';
      return `write ${issue.values
        .map(String)
        .join(', ')
        .replace(/, ([^,]*)$/, ' or $1')}`;
    case 'unrecognized_keys':
      return 'there is no such field';
    case 'too_big':
      if (issue.origin === 'string') return `longer than ${issue.maximum} characters`;
      return issue.origin === 'array' ? `more than ${issue.maximum} entries` : `at most ${issue.maximum}`;
    case 'too_small':
      if (issue.origin === 'string')
        return issue.minimum === 1 ? 'is empty' : `shorter than ${issue.minimum} characters`;
      return issue.origin === 'array' ? `fewer than ${issue.minimum} entries` : `at least ${issue.minimum}`;
    default:
      return 'not well formed';
  }
}

function lowerFirst(text: string): string {
  // A name such as URL or CIDR keeps its capitals.
  return /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
