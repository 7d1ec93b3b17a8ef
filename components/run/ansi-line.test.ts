import { AnsiUp } from 'ansi_up';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toPieces } from './ansi-line';

describe('toPieces', () => {
  it('gives colours by name, so that each theme keeps its contrast', () => {
    const pieces = toPieces(AnsiUp, 'a \u001b[31mred\u001b[0m b');
    expect(pieces.map((piece) => [piece.text, piece.className])).toEqual([
      ['a ', ''],
      ['red', 'text-down'],
      [' b', ''],
    ]);
  });

  it('gives every character of hostile text back as text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('<', '>', '&', '"', "'", 'a', ' ', ';', '/', '=') }),
        (text) => {
          expect(
            toPieces(AnsiUp, text)
              .map((piece) => piece.text)
              .join(''),
          ).toBe(text);
        },
      ),
    );
  });
});
