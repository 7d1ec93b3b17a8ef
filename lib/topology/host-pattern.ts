import { AppError } from '@/lib/core/errors';
import { toSafeLine } from '@/lib/core/text';
import { MAX_HOSTS } from './host-draft';

const RANGE = /\[(\d{1,9}|[a-z]|[A-Z]):(\d{1,9}|[a-z]|[A-Z])(?::(\d{1,4}))?\]/;

/** Longer than any DNS name (253 characters) with ranges in it. */
const MAX_PATTERN = 500;
/** Names and their variables, written out; an inventory of 1,000 hosts has some 20,000. */
const MAX_WRITTEN = 100_000;

/** The patterns of one inventory: what they mean is counted over all of it. */
export class HostPatterns {
  private written = 0;

  /**
   * The names that a pattern means, each with so many variables, or words where it is wrong. Throws an `AppError` once
   * all patterns of the inventory together mean too much.
   */
  expand(pattern: string, variables = 0): string[] | string {
    const names = expandHostPattern(pattern, MAX_HOSTS);
    this.written += (typeof names === 'string' ? 1 : names.length) * (1 + variables);
    if (this.written > MAX_WRITTEN) {
      throw new AppError(
        'invalid',
        `Written out, the inventory has more than ${MAX_WRITTEN} names and variables of hosts. Name each host once, and give variables to groups.`,
      );
    }
    return names;
  }
}

/**
 * The names that a pattern of an inventory means: `web[01:03]`, `db[a:c]`, `n[1:9:2]`, both ends included, digits as
 * wide as the first is written (Ansible docs inventory_guide/intro_inventory). A name without brackets means itself.
 * Words where the pattern is none, or means more than `max` names.
 */
function expandHostPattern(pattern: string, max: number): string[] | string {
  if (pattern.length > MAX_PATTERN)
    return `“${toSafeLine(pattern.slice(0, 100), 60)}” is too long for a name`;
  let names = [pattern];
  for (let match = RANGE.exec(pattern); match; match = RANGE.exec(pattern)) {
    const [whole, from = '', to = '', step = '1'] = match;
    const places = toPlaces(from, to, Number(step));
    if (places === null) return `“${toSafeLine(whole, 40)}” is no range such as [01:10] or [a:f]`;
    if (names.length * places.count > max) return `the pattern means more than ${max} hosts`;
    const words = Array.from({ length: places.count }, (_, index) => places.wordAt(index));
    names = names.flatMap((name) => words.map((word) => name.replace(whole, word)));
    pattern = pattern.replace(whole, '');
  }
  return /[[\]]/.test(pattern)
    ? `“${toSafeLine(pattern, 60)}” is no name or range such as web[01:10]`
    : names;
}

function toPlaces(from: string, to: string, step: number) {
  const isNumber = /^\d/.test(from);
  const first = isNumber ? Number(from) : from.charCodeAt(0);
  const last = isNumber ? Number(to) : to.charCodeAt(0);
  const isSameKind = isNumber === /^\d/.test(to) && (isNumber || /[a-z]/.test(from) === /[a-z]/.test(to));
  if (!isSameKind || step < 1 || last < first) return null;
  const width = from.startsWith('0') ? from.length : 1;
  return {
    count: Math.floor((last - first) / step) + 1,
    wordAt: (index: number) => {
      const value = first + index * step;
      return isNumber ? String(value).padStart(width, '0') : String.fromCharCode(value);
    },
  };
}
