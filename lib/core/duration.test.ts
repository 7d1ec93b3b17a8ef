import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBytesText, toDurationText } from './duration';

describe('toDurationText', () => {
  it.each([
    [0, '0 s'],
    [999, '0 s'],
    [-5_000, '0 s'],
    [1_000, '1 s'],
    [60_000, '1 m'],
    [100_000, '1 m 40 s'],
    [3_600_000, '1 h'],
    [3_601_000, '1 h'],
    [3_660_000, '1 h 1 m'],
    [86_400_000 + 59_000, '1 d'],
    [12 * 86_400_000 + 4 * 3_600_000 + 59 * 60_000, '12 d 4 h'],
  ])('%i ms is %s', (ms, text) => expect(toDurationText(ms)).toBe(text));

  it('has at most two units that stand next to each other, and never says more than there is', () => {
    const seconds: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
        const parts = [...toDurationText(ms).matchAll(/(\d+) ([dhms])/g)].map(
          ([, count, unit = '']) => Number(count) * (seconds[unit] ?? 0),
        );
        expect(parts.length).toBeLessThanOrEqual(2);
        const total = parts.reduce((sum, part) => sum + part, 0);
        expect(total).toBeLessThanOrEqual(ms / 1000);
        expect(ms / 1000 - total).toBeLessThan(Math.max(1, total));
      }),
    );
  });
});

describe('toBytesText', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1_536, '1.5 KiB'],
    [10_239, '10 KiB'],
    [1_048_575, '1.0 MiB'],
    [1.5 * 2 ** 20, '1.5 MiB'],
    [12 * 2 ** 30, '12 GiB'],
    [2 ** 30 - 1, '1.0 GiB'],
    [5_000 * 2 ** 40, '5000 TiB'],
  ])('%d bytes are %s', (bytes, text) => expect(toBytesText(bytes)).toBe(text));

  it('never shows 1024 of a unit that has a next one, nor 10.0', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 49 }), (bytes) => {
        expect(toBytesText(bytes)).not.toMatch(/^1024 (B|KiB|MiB|GiB)$|^10\.0/);
      }),
    );
  });
});
