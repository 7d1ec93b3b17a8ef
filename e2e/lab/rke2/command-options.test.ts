import { describe, expect, it } from 'vitest';
import { parseCommandOptions } from './command-options';

describe('parseCommandOptions', () => {
  const parse = (...argv: string[]) => {
    const { flags, rest } = parseCommandOptions(argv, ['name', 'o'], ['s3']);
    return { flags: Object.fromEntries(flags), rest };
  };

  it('reads both spellings of a value, bare flags and arguments in any order', () => {
    expect(parse('one', '--name', 'x', '--s3', 'two', '-o=json')).toEqual({
      flags: { name: 'x', s3: 'true', o: 'json' },
      rest: ['one', 'two'],
    });
    expect(parse('--name=')).toEqual({ flags: { name: '' }, rest: [] });
  });

  it('refuses an unknown flag and one without its value', () => {
    expect(() => parse('--nonsense=1')).toThrow('flag provided but not defined: -nonsense');
    expect(() => parse('--name')).toThrow('flag needs an argument: -name');
  });
});
