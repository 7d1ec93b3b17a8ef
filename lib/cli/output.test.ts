import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toSafeJson, toSafeText, toTable } from './output';

/** What a terminal may act on: control characters, direction marks, line separators. */
const RISKY = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const hostile = fc.string({
  unit: fc.constantFrom('a', '\u001b', '[2J', '\u009b', '\u202e', '\r', '\n', '\t', '\u2028', '\u0007'),
});

describe('output', () => {
  it('lets nothing of a server or host act on the terminal', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(toSafeText(text)).not.toMatch(RISKY);
        expect(toTable(['A', 'B'], [[text, 'x']])).not.toMatch(RISKY);
        expect(toTable(['A', 'B'], [[text, 'x']]).split('\n')).toHaveLength(2);
        expect(toSafeJson({ text })).not.toMatch(RISKY);
      }),
    );
  });

  it('keeps every value of JSON as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), hostile, (value, text) => {
        const given = JSON.parse(JSON.stringify({ value, text })) as unknown;
        expect(JSON.parse(toSafeJson(given))).toEqual(given);
      }),
    );
  });

  it('drops colours and lines columns up', () => {
    expect(toSafeText('\u001b[1;31mred\u001b[0m\tend')).toBe('red    end');
    expect(
      toTable(
        ['ID', 'NAME'],
        [
          ['s-1', 'one'],
          ['s-1000', ''],
        ],
      ),
    ).toBe('ID      NAME\ns-1     one\ns-1000');
  });
});
