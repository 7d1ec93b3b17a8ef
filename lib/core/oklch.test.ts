import { describe, expect, it } from 'vitest';
import { isInSrgb, parseOklch, toContrast, toHex } from './oklch';

describe('oklch', () => {
  it('knows the corners of sRGB', () => {
    expect(toHex(parseOklch('oklch(1 0 0)'))).toBe('#ffffff');
    expect(toHex(parseOklch('oklch(0 0 0)'))).toBe('#000000');
    // Values of the CSS Color 4 specification for the primaries.
    expect(toHex(parseOklch('oklch(0.62796 0.25768 29.234)'))).toBe('#ff0000');
    expect(toHex(parseOklch('oklch(0.86644 0.29483 142.495)'))).toBe('#00ff00');
    expect(toHex(parseOklch('oklch(0.45201 0.31321 264.052)'))).toBe('#0000ff');
  });

  it('measures contrast as WCAG does', () => {
    const [white, black] = [parseOklch('oklch(1 0 0)'), parseOklch('oklch(0 0 0)')];
    expect(toContrast(white, black)).toBeCloseTo(21, 1);
    expect(toContrast(black, white)).toBeCloseTo(21, 1);
    // #777777 on white is the well-known 4.48.
    expect(toContrast(parseOklch('oklch(0.5685 0 0)'), white)).toBeCloseTo(4.48, 1);
  });

  it('tells what sRGB cannot show', () => {
    expect(isInSrgb(parseOklch('oklch(0.7 0.1 200)'))).toBe(true);
    expect(isInSrgb(parseOklch('oklch(0.7 0.35 200)'))).toBe(false);
  });

  it('refuses other notations', () => {
    for (const text of ['#fff', 'oklch(50% 0 0)', 'oklch(0.5 0 0 / 0.5)']) {
      expect(() => parseOklch(text)).toThrow('not an oklch()');
    }
  });
});
