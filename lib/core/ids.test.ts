import { describe, expect, it } from 'vitest';
import { NodeId, RunId, toOpaqueId, UserId } from './ids';

describe('toOpaqueId', () => {
  it('makes ids that the schemas take, from all of 32 letters', () => {
    const letters = new Set<string>();
    for (let byte = 0; byte < 256; byte += 1) {
      const id = toOpaqueId('n', new Uint8Array(12).fill(byte));
      expect(NodeId.parse(id)).toBe(id);
      expect(id).toHaveLength(14);
      letters.add(id.charAt(2));
    }
    expect(letters.size).toBe(32);
  });

  it('uses twelve bytes, each for one letter, and refuses fewer', () => {
    const bytes = Uint8Array.from({ length: 12 }, (_, index) => index);
    expect(toOpaqueId('run', bytes)).toBe('run-abcdefghjkmn');
    expect(toOpaqueId('run', new Uint8Array([...bytes, 99]))).toBe('run-abcdefghjkmn');
    expect(() => toOpaqueId('n', new Uint8Array(11))).toThrow('12 random bytes');
  });
});

describe('id schemas', () => {
  it.each(['', 'a', 'A1', '-a', 'a b', 'a/../b', "a'", 'a\n', 'x'.repeat(64)])('refuse %j', (text) => {
    expect(NodeId.safeParse(text).success).toBe(false);
    expect(RunId.safeParse(text).success).toBe(false);
  });

  it('say what was expected', () => {
    expect(NodeId.safeParse('?').error?.issues[0]?.message).toBe('not a node id');
    expect(UserId.safeParse('').success).toBe(false);
  });
});
