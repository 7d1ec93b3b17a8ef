import { toShellAssignments } from '@/lib/core/shell-quote';

/** The text of a program: constant scripts after the values that they are about, each through the one quoting function. */
export function toProgram(
  variables: Readonly<Record<string, string>>,
  ...scripts: readonly string[]
): string {
  return `${toShellAssignments(variables)}${scripts.join('')}`;
}
