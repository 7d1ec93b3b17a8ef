import { quoteShell, toShellAssignments } from '@/lib/core/shell-quote';
import { toSafeLine } from '@/lib/core/text';

interface ShellFileParts {
  readonly comments: readonly string[];
  /** Parameters of a step, set as `sp_NAME`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What the constant text has to know, set under these very names. */
  readonly settings: Readonly<Record<string, string>>;
  /** Constant shell text. */
  readonly body: string;
}

/**
 * A shell file of a bundle: comments of one safe line each, values through the one quoting function, then constant text,
 * so that no value is ever shell text (S14).
 */
export function toShellFile({ comments, variables, settings, body }: ShellFileParts): string {
  const known = Object.entries(settings).map(([name, value]) => {
    if (!/^[a-z][a-z_]*$/.test(name)) throw new Error(`not a name for a setting: ${JSON.stringify(name)}`);
    return `${name}=${quoteShell(value)}\n`;
  });
  return [
    '#!/bin/sh\n',
    ...comments.map((line) => `# ${toSafeLine(line, 1_000)}\n`),
    ...(variables ? ['\n# Parameters of the step:\n', toShellAssignments(variables)] : []),
    ...(variables ? ['\n# What the runner has to know:\n', ...known, '\n'] : known),
    body,
  ].join('');
}
