import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeOneTimeKey } from '@/components/live/open-sealed';
import type { SealPrivateKey, SecretIdentity } from './seal';
import { openSealed, seal, SealError, toKeyId } from './seal';
import { isOneTimeKey, sealTo } from './seal-to';

function makeKey(): SealPrivateKey {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return { key: publicKey, privateKey, keyId: toKeyId(publicKey) };
}

const identity: SecretIdentity = { purpose: 'credential', owner: 'c-1', id: 'k-1', version: 1 };
const secret = Buffer.from('-----BEGIN OPENSSH PRIVATE KEY-----\nåß∂\n');

describe('seal', () => {
  const key = makeKey();

  it('opens for the row that it was sealed for, and hides length by nothing but a constant', () => {
    const sealed = seal(key, secret, identity);
    expect(openSealed(key, sealed, identity)).toEqual(secret);
    expect(sealed.length - secret.length).toBe(121);
    expect(sealed.includes(secret)).toBe(false);
    expect(openSealed(key, seal(key, Buffer.alloc(0), identity), identity)).toHaveLength(0);
  });

  it('never gives the same bytes twice', () => {
    expect(seal(key, secret, identity).equals(seal(key, secret, identity))).toBe(false);
  });

  it.each([
    ['another purpose', { ...identity, purpose: 'server-token' }],
    ['another owner', { ...identity, owner: 'c-2' }],
    ['another row', { ...identity, id: 'k-2' }],
    ['another version', { ...identity, version: 2 }],
  ])('fails when moved to %s', (_, other) => {
    const sealed = seal(key, secret, identity);
    expect(() => openSealed(key, sealed, other)).toThrow(SealError);
  });

  it('refuses identities that could be read in two ways', () => {
    expect(() => seal(key, secret, { ...identity, owner: 'a|b' })).toThrow();
    expect(() => seal(key, secret, { ...identity, owner: '' })).toThrow();
  });

  it('fails for every single flipped bit', () => {
    const sealed = seal(key, Buffer.from('x'), identity);
    for (let at = 0; at < sealed.length; at++) {
      const broken = Buffer.from(sealed);
      broken.writeUInt8((broken[at] ?? 0) ^ (1 << (at % 8)), at);
      // The top bit of an X25519 key is ignored by the curve (RFC 7748 5), but the salt holds it.
      expect(() => openSealed(key, broken, identity), `byte ${at}`).toThrow(SealError);
    }
  });

  it('fails when cut short, and for another key', () => {
    const sealed = seal(key, secret, identity);
    for (const length of [0, 1, 40, 136, sealed.length - 1]) {
      expect(() => openSealed(key, sealed.subarray(0, length), identity)).toThrow(SealError);
    }
    expect(() => openSealed(makeKey(), sealed, identity)).toThrow(SealError);
  });

  it('says nothing of the secret when it fails', () => {
    const sealed = seal(key, secret, identity);
    expect(() => openSealed(makeKey(), sealed, identity)).toThrow(/^(?!.*BEGIN)/s);
  });
});

describe('sealTo and the browser', () => {
  it('opens in WebCrypto what Node sealed, for one key only', async () => {
    const [own, other] = [await makeOneTimeKey(), await makeOneTimeKey()];
    expect(isOneTimeKey(own.publicKey)).toBe(true);
    const sealed = sealTo(own.publicKey, secret);
    expect(Buffer.from(await own.open(sealed))).toEqual(secret);
    await expect(other.open(sealed)).rejects.toThrow();
    const broken = Buffer.from(sealed, 'base64');
    broken.writeUInt8((broken.at(-1) ?? 0) ^ 1, broken.length - 1);
    await expect(own.open(broken.toString('base64'))).rejects.toThrow();
  });

  it.each(['', 'AAAA', Buffer.alloc(65, 4).toString('base64'), `${'A'.repeat(87)}=`])(
    'refuses %j as a key',
    (key) => {
      expect(() => sealTo(key, secret)).toThrow();
    },
  );
});
