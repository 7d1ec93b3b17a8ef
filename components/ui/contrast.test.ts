import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isInSrgb, parseOklch, toContrast } from '@/lib/core/oklch';
import type { Oklch } from '@/lib/core/oklch';

type Tokens = Readonly<Record<string, Oklch>>;

/** The tokens of both themes as `app/globals.css` defines them. */
function readTokens(): { light: Tokens; dark: Tokens } {
  const css = readFileSync(new URL('../../app/globals.css', import.meta.url), 'utf8');
  const found = [...css.matchAll(/--([a-z-]+): light-dark\((oklch\([^)]*\)), (oklch\([^)]*\))\);/g)];
  const pick = (place: 2 | 3) =>
    Object.fromEntries(found.map((match) => [match[1], parseOklch(match[place] ?? '')]));
  return { light: pick(2), dark: pick(3) };
}

const themes = readTokens();
const TEXT = ['ink', 'ink-soft', 'accent', 'healthy', 'degraded', 'down', 'stale', 'provisioning'];
const PAPERS = ['paper', 'paper-raised'];
const pairs = (inks: readonly string[]) =>
  inks.flatMap((ink) => PAPERS.map((paper) => [ink, paper] as const));

describe.each(['light', 'dark'] as const)('%s theme', (theme) => {
  const token = (name: string): Oklch => {
    const value = themes[theme][name];
    if (!value) throw new Error(`globals.css has no token ${name}`);
    return value;
  };

  it.each(pairs(TEXT))('%s is text that can be read on %s', (ink, paper) => {
    expect(toContrast(token(ink), token(paper))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(pairs(['line', ...TEXT]))('%s is a line that can be seen on %s', (ink, paper) => {
    expect(toContrast(token(ink), token(paper))).toBeGreaterThanOrEqual(3);
  });

  it('has paper letters on accent that can be read', () => {
    expect(toContrast(token('paper'), token('accent'))).toBeGreaterThanOrEqual(4.5);
  });

  it('keeps soft text readable on a row that is chosen', () => {
    expect(toContrast(token('ink-soft'), token('grid'))).toBeGreaterThanOrEqual(4.5);
  });

  it('keeps its squares faint', () => {
    expect(toContrast(token('grid'), token('paper'))).toBeLessThan(1.5);
  });

  it('stays within what every screen shows', () => {
    for (const [name, colour] of Object.entries(themes[theme]))
      expect([name, isInSrgb(colour)]).toEqual([name, true]);
  });
});
