import { createTwoFilesPatch } from 'diff';

/**
 * A unified diff of one file with three lines of context; empty when both are equal. `before` null means that
 * the file does not exist yet, `after` null that it goes.
 */
export function toUnifiedDiff(path: string, before: string | null, after: string | null): string {
  if (before === after) return '';
  const patch = createTwoFilesPatch(
    before === null ? '/dev/null' : `a${path}`,
    after === null ? '/dev/null' : `b${path}`,
    before ?? '',
    after ?? '',
    undefined,
    undefined,
    { context: 3 },
  );
  return patch.replace(/^=+\n/, '');
}
