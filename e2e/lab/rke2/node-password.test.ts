import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ensureNodePassword, hashPassword, matches } from './node-password';

describe('node password', () => {
  const folder = mkdtempSync(join(tmpdir(), 'node-password-'));
  const path = join(folder, 'node', 'password');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is made once, for root only', () => {
    const password = ensureNodePassword(path);
    expect(password).toMatch(/^[0-9a-f]{32}$/);
    expect(ensureNodePassword(path)).toBe(password);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('matches its own hash, which is salted, and no other password', () => {
    const [hash, other] = [hashPassword('secret'), hashPassword('secret')];
    expect(hash).toMatch(/^\$1:[0-9a-f]{16}:15:8:1:/);
    expect(hash).not.toBe(other);
    expect([matches(hash, 'secret'), matches(other, 'secret')]).toEqual([true, true]);
    expect(matches(hash, 'Secret')).toBe(false);
  });

  it.each(['', '$1:zz:15:8:1:AAAA', '$2:00:15:8:1:AAAA', '$1:00:15:8:1:AAAA'])(
    'matches nothing with %j',
    (hash) => {
      expect(matches(hash, '')).toBe(false);
      expect(matches(hash, 'secret')).toBe(false);
    },
  );
});
