import { expect, it } from 'vitest';
import { toPreferences } from './preferences';

it('takes known values and ignores others', () => {
  const read = (cookies: Record<string, string>) => toPreferences((name) => cookies[name]);
  expect(read({ 'siteplan-theme': 'dark', 'siteplan-clock': 'utc', 'siteplan-rail': 'narrow' })).toEqual({
    theme: 'dark',
    isUtc: true,
    isRailNarrow: true,
  });
  expect(read({ 'siteplan-theme': '"><script>' })).toEqual({
    theme: 'system',
    isUtc: false,
    isRailNarrow: false,
  });
});
