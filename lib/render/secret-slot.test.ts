import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SecretId } from '@/lib/core/ids';
import { fillSecretSlots, findSecretSlots, toSecretSlot, toSlottedText } from './secret-slot';
import { toCheckedFile } from './checked-file';
import { RenderedFile } from './rendered-file';
import { SecretSlot, toYaml } from './to-yaml';

const ref = (id: string, version = 1) => ({ id: SecretId.parse(id), version });
const token = ref('sec-token');
const other = ref('sec-other', 2);
const values = new Map([
  ['sec-token', 'K10abc::server:hunter2$&$1'],
  ['sec-other', 'another-value'],
]);
const valueOf = ({ id }: { id: string }) => values.get(id);

describe('fillSecretSlots', () => {
  it('fills listed slots, patterns of replacement in a value stay as they are', () => {
    const text = `token: "${toSecretSlot(token)}"\nagain: "${toSecretSlot(token)}"\n`;
    expect(fillSecretSlots(text, [token], valueOf)).toBe(
      'token: "K10abc::server:hunter2$&$1"\nagain: "K10abc::server:hunter2$&$1"\n',
    );
  });

  it('refuses slots that are not listed, other versions and missing values', () => {
    expect(() => fillSecretSlots(toSecretSlot(other), [token], valueOf)).toThrow(
      'no secret for slot sec-other v2',
    );
    expect(() => fillSecretSlots(toSecretSlot({ ...token, version: 9 }), [token], valueOf)).toThrow(
      'no secret for slot sec-token v9',
    );
    expect(() => fillSecretSlots(toSecretSlot(token), [token], () => undefined)).toThrow(
      'no secret for slot',
    );
  });

  it('does not look into values: a value that reads like a slot fills nothing', () => {
    const nested = new Map([['sec-token', toSecretSlot(other)]]);
    expect(() => fillSecretSlots(toSecretSlot(token), [token, other], ({ id }) => nested.get(id))).toThrow(
      'beyond ASCII',
    );
  });

  it('refuses values that would change a file’s structure, and does not print them', () => {
    for (const value of ['a b', 'a"b', 'a\\b', 'a\nb', 'ä', '', '\u0000']) {
      const fill = () => fillSecretSlots(toSecretSlot(token), [token], () => value);
      expect(fill).toThrow(/secret sec-token v1 holds/);
      if (value.trim().length > 1) expect(fill).not.toThrow(value);
    }
  });

  it('gives a YAML reader exactly the value', () => {
    const fillable = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
    fc.assert(
      fc.property(fillable, (value) => {
        const text = fillSecretSlots(toYaml({ token: new SecretSlot(token), next: 1 }), [token], () => value);
        expect(parse(text)).toEqual({ token: value, next: 1 });
      }),
    );
  });
});

describe('toSlottedText', () => {
  const known = [token, other].map((one) => ({ ref: one, value: valueOf(one) ?? '' }));

  it('is the reverse of filling', () => {
    const text = toYaml({
      token: new SecretSlot(token),
      'agent-token': new SecretSlot(other),
      cni: 'cilium',
    });
    expect(toSlottedText(fillSecretSlots(text, [token, other], valueOf), known)).toBe(text);
  });

  it('takes the longest value first and does not look into slots that it has made', () => {
    const pair = [
      { ref: ref('sec-short'), value: 'secret-sec' },
      { ref: ref('sec-long'), value: 'secret-sec-and-more' },
    ];
    expect(toSlottedText('a secret-sec-and-more b secret-sec', pair)).toBe(
      'a ⟦secret sec-long v1⟧ b ⟦secret sec-short v1⟧',
    );
    const tricky = [
      { ref: ref('sec-first'), value: 'xxxxxxxxx' },
      { ref: ref('sec-second'), value: 'sec-first' },
    ];
    expect(toSlottedText('xxxxxxxxx', tricky)).toBe('⟦secret sec-first v1⟧');
  });

  it('leaves no known value in any text', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...values.values()), fc.string())), (parts) => {
        const text = toSlottedText(parts.join(''), known);
        for (const value of values.values()) expect(text).not.toContain(value);
      }),
    );
  });

  it('does not let a host claim to hold a secret', () => {
    expect(findSecretSlots(toSlottedText(`token: "${toSecretSlot(token)}"`, known))).toEqual([]);
    expect(findSecretSlots(toSlottedText(`token: "${toSecretSlot(token)}"`, []))).toEqual([]);
  });
});

describe('toCheckedFile', () => {
  const file = (content: string, secrets = [token]) =>
    RenderedFile.parse({ path: '/etc/a', mode: '0600', content, secrets, purpose: 'A test.' });

  it('takes a file whose slots are exactly those that it lists', () => {
    const good = file(`a: "${toSecretSlot(token)}"`);
    expect(toCheckedFile(good)).toEqual(good);
  });

  it('refuses a slot that nobody lists, a listed one that is not there, and a bad path', () => {
    expect(() => toCheckedFile(file(toSecretSlot(other)))).toThrow(
      'slots and secrets differ: sec-token v1, sec-other v2',
    );
    expect(() => toCheckedFile(file('a: b'))).toThrow('slots and secrets differ: sec-token v1');
    expect(() => toCheckedFile({ ...file('a: b', []), path: '/etc/../a' })).toThrow(
      'not a plain absolute path',
    );
  });
});
