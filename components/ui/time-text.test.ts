import { expect, it } from 'vitest';
import { toAgoText, toClockText, toExactText } from './time-text';

const AT = Date.parse('2026-11-22T19:07:03Z');

it('says how long ago or how far ahead', () => {
  expect(toAgoText(AT, AT + 1_500)).toBe('now');
  expect(toAgoText(AT, AT + 100_000)).toBe('1 m 40 s ago');
  expect(toAgoText(AT + 86_400_000 * 4, AT)).toBe('in 4 d');
});

it('writes the exact time with its zone', () => {
  expect(toExactText(AT, true)).toBe('2026-11-22 19:07:03 UTC');
  expect(toClockText(AT, true)).toBe('19:07:03');
});
