import { expect, it } from 'vitest';
import { toRanges } from './known-hosts-dialog';

it('names lines by their ranges', () => {
  expect(toRanges([1, 3, 4, 5, 7, 8])).toBe('1, 3 to 5, 7, 8');
  expect(toRanges([])).toBe('');
});
