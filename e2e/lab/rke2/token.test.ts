import fc from 'fast-check';
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

  it('reads every password back that has no space around it, and throws nothing but its sentence', () => {
    const isPlain = (text: string) => text !== '' && text.trim() === text && !/[\n\r\u2028\u2029]/.test(text);
    fc.assert(
      fc.property(fc.string().filter(isPlain), (password) => {
        expect(parseToken(formatToken(hash, 'node', password))).toEqual({
          caHash: hash,
          user: 'node',
          password,
        });
      }),
    );
    const anyText = fc.oneof(
      fc.string(),
      fc.string().map((text) => `K10${hash}${text}`),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        try {
          expect(parseToken(text).password).not.toBe('');
        } catch (error) {
          expect(String(error)).toContain('failed to normalize token');
        }
      }),
    );
  });

  it('keeps colons in the password of a full token', () => {
    expect(parseToken(`K10${hash}::node:a:b`).password).toBe('a:b');
  });

  it('takes a short token as the password', () => {
    expect(parseToken('secret')).toEqual({ caHash: null, user: null, password: 'secret' });
  });

  it('takes a bootstrap token behind the hash as one without a user', () => {
    const bootstrap = 'abc123.0123456789abcdef';
    const expected = { caHash: hash, user: null, password: bootstrap };
    expect(parseToken(`K10${hash}::${bootstrap}`)).toEqual(expected);
  });

  it.each([
    '',
    '  ',
    `K10${hash}::abc123.0123`,
    'K10abc::server:x',
    `K10${hash}:server:x`,
    `K10${hash}::server`,
    'server:',
  ])('refuses %j', (text) => {
    expect(() => parseToken(text)).toThrow(
      'must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>',
    );
  });
});
