import { applyPatch } from 'diff';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toUnifiedDiff } from './unified-diff';

describe('toUnifiedDiff', () => {
  it('is empty for equal texts', () => {
    expect(toUnifiedDiff('/etc/a', 'x\n', 'x\n')).toBe('');
    expect(toUnifiedDiff('/etc/a', null, null)).toBe('');
  });

  it('shows three lines around a change, with both names', () => {
    const lines = Array.from({ length: 12 }, (_, index) => `line ${index}`);
    const before = `${lines.join('\n')}\n`;
    expect(toUnifiedDiff('/etc/a', before, before.replace('line 6', 'line six'))).toBe(
      [
        '--- a/etc/a',
        '+++ b/etc/a',
        '@@ -4,7 +4,7 @@',
        ' line 3',
        ' line 4',
        ' line 5',
        '-line 6',
        '+line six',
        ' line 7',
        ' line 8',
        ' line 9',
        '',
      ].join('\n'),
    );
  });

  it('names /dev/null for a file that comes or goes, an empty one too', () => {
    expect(toUnifiedDiff('/etc/a', null, 'x\n')).toBe('--- /dev/null\n+++ b/etc/a\n@@ -0,0 +1,1 @@\n+x\n');
    expect(toUnifiedDiff('/etc/a', 'x\n', null)).toBe('--- a/etc/a\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n');
    expect(toUnifiedDiff('/etc/a', null, '')).toBe('--- /dev/null\n+++ b/etc/a\n');
  });

  it('says where a last line end is missing', () => {
    expect(toUnifiedDiff('/etc/a', 'x', 'x\n')).toContain('\\ No newline at end of file');
  });

  it('leads from the old text to the new one', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', '', '=====', '--- x', '+++ y', '@@ -1 +1 @@', '\\ no'))
      .map((lines) => lines.map((line) => `${line}\n`).join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const patch = toUnifiedDiff('/etc/a', before, after);
        if (before !== after) expect(applyPatch(before, patch)).toBe(after);
      }),
    );
  });
});
