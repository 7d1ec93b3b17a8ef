import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DNS_NAME, HOSTNAME, toCount, toMiddleEllipsis, toSafeLine } from './text';

describe('HOSTNAME and DNS_NAME', () => {
  it.each(['a', 's1', 'a-b', '0', 'x'.repeat(63)])('take %s', (name) => {
    expect(HOSTNAME.test(name)).toBe(true);
    expect(DNS_NAME.test(name)).toBe(true);
  });

  it.each(['', 'A', '-a', 'a-', 'a_b', 'a b', 'ä', 'a\n', '\na', 'x'.repeat(64), 'a..b', '.a', 'a.'])(
    'refuse %j',
    (name) => {
      expect(HOSTNAME.test(name)).toBe(false);
      expect(DNS_NAME.test(name)).toBe(false);
    },
  );

  it('differ in dots and length only', () => {
    expect([HOSTNAME.test('a.example.net'), DNS_NAME.test('a.example.net')]).toEqual([false, true]);
    expect([
      DNS_NAME.test(`${'x'.repeat(49)}.`.repeat(5) + 'abc'),
      DNS_NAME.test(`${'x'.repeat(49)}.`.repeat(5) + 'abcd'),
    ]).toEqual([true, false]);
  });
});

describe('toCount', () => {
  it('knows one from many', () => {
    expect([0, 1, 2].map((count) => toCount(count, 'host'))).toEqual(['0 hosts', '1 host', '2 hosts']);
    expect(toCount(2, 'entry', 'entries')).toBe('2 entries');
  });
});

describe('toMiddleEllipsis', () => {
  it('keeps both ends', () => {
    expect(toMiddleEllipsis('control-plane-17', 9)).toBe('cont…e-17');
    expect(toMiddleEllipsis('short', 5)).toBe('short');
  });

  it('never gets longer than asked and never splits a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-composite' }), fc.integer({ min: 1, max: 30 }), (text, max) => {
        const shown = toMiddleEllipsis(text, max);
        expect(shown.length).toBeLessThanOrEqual(max);
        expect(shown).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
        if (text.length <= max) expect(shown).toBe(text);
      }),
    );
  });
});

describe('toSafeLine', () => {
  it('shows control characters, line separators, direction marks and lone surrogates as �', () => {
    expect(
      toSafeLine(
        'a\u0000b\u001b[31mc\r\nd\u0085e\u2028f\u2029g\u061ch\u200ei\u202ej\u2066k\ud800l\u007fm\ufeffn',
      ),
    ).toBe('a�b�[31mc��d�e�f�g�h�i�j�k�l�m�n');
  });

  it('leaves ordinary text of any language as it is', () => {
    for (const text of ['plain', 'Übergröße', '日本語', 'עברית', '👩‍🚀', 'a…b'])
      expect(toSafeLine(text)).toBe(text);
  });

  it('is one well-formed line of at most the length asked for and a mark', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50 }), (text, max) => {
        const line = toSafeLine(text, max);
        expect(line.length).toBeLessThanOrEqual(max + 1);
        expect(line).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029]/u);
        expect(Buffer.from(line, 'utf8').toString('utf8')).toBe(line);
        if (line.length > max) expect(line.endsWith('…')).toBe(true);
      }),
    );
  });
});
