import { describe, expect, it } from 'vitest';
import { formatToken, parseToken } from './token';

const hash = 'ab'.repeat(32);

describe('parseToken', () => {
  it('reads back what formatToken wrote', () => {
    expect(parseToken(`${formatToken(hash, 'server', 'secret')}\n`)).toEqual({
      caHash: hash,
      user: 'server',
      password: 'secret',
    });
  });

  it('keeps colons in the password of a full token', () => {
    expect(parseToken(`K10${hash}::node:a:b`).password).toBe('a:b');
  });

  it('takes a short token as the password', () => {
    expect(parseToken('secret')).toEqual({ caHash: null, user: null, password: 'secret' });
  });

  it.each(['', '  ', 'K10abc::server:x', `K10${hash}:server:x`, `K10${hash}::server`, 'server:'])(
    'refuses %j',
    (text) => {
      expect(() => parseToken(text)).toThrow(
        'must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>',
      );
    },
  );
});
