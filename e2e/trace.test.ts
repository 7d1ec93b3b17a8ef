import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const Row = z.strictObject({
  id: z.string(),
  says: z.string().min(4),
  shown: z
    .array(z.string().regex(/^\S+\.(test|e2e)\.tsx? > .+$/))
    .min(1)
    .optional(),
  later: z
    .string()
    .regex(/^issue [2-9]( \(.+\))?$/)
    .optional(),
  na: z.string().startsWith('because ').optional(),
});

const rows = z.array(Row).parse(parse(readFileSync('e2e/trace.yaml', 'utf8')));
const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);

/** What must have a row: counts as in the sources, so that a row that goes missing is missed. */
const REQUIRED = [
  ...numbered('rke2-12.', 36),
  ...numbered('rke2-13.', 15),
  ...numbered('rke2-13.runner-up-', 14),
  ...numbered('reliability.I', 12),
  ...numbered('reliability.S', 30),
  ...numbered('peers-6.wizard-', 6),
  ...numbered('peers-6.log-', 5),
  ...numbered('peers-6.wall-', 7),
  ...numbered('peers-6.share-', 6),
];

/** Statements of the architecture text, by the headings of that text. */
const TEXT_STATEMENTS = 44;

/** Rows that stand for a later issue. */
const LATER_AGREED = 26;

describe('contract 11: the trace table', () => {
  it('has each required row once', () => {
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(REQUIRED.filter((id) => !ids.includes(id))).toEqual([]);
    expect(ids.filter((id) => id.startsWith('text.'))).toHaveLength(TEXT_STATEMENTS);
  });

  it('says of each row exactly one of: shown, later, not applicable', () => {
    const unclear = rows.filter(({ shown, later, na }) => [shown, later, na].filter(Boolean).length !== 1);
    expect(unclear.map(({ id }) => id)).toEqual([]);
  });

  it('names tests that exist', () => {
    const missing = rows.flatMap(({ id, shown = [] }) =>
      shown.filter((test) => !isThere(test)).map((test) => `${id}: ${test}`),
    );
    expect(missing).toEqual([]);
  });

  it('leaves no more for later than was agreed', () => {
    const later = rows.filter((row) => row.later !== undefined);
    // Falls with every issue and never rises; zero at the end of the fifth.
    expect(later.length).toBeLessThanOrEqual(LATER_AGREED);
  });

  it('is counted in the README as it is', () => {
    const count = (key: 'shown' | 'later' | 'na') => rows.filter((row) => row[key] !== undefined).length;
    const words = `${rows.length} claims: ${count('shown')} shown by a test, ${count('later')} for a later release, ${count('na')} not applicable`;
    expect(readFileSync('README.md', 'utf8').replace(/\s+/g, ' ')).toContain(words);
  });
});

/** Whether `file > title` stands in the file as a whole text: the title of a test, or of a case in its table. */
function isThere(test: string): boolean {
  const [file = '', ...rest] = test.split(' > ');
  if (!existsSync(file)) return false;
  const source = readFileSync(file, 'utf8').replaceAll("\\'", "'");
  const title = rest.join(' > ');
  return ["'", '"', '`'].some((quote) => source.includes(quote + title + quote));
}
