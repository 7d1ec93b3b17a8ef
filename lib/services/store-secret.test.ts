import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { openSealed, toKeyId, type SealPrivateKey } from '@/lib/secrets/seal';
import type { ServiceContext } from './context';
import { storeSecret } from './store-secret';
import type { Transaction } from './transact';

function makeKey(): SealPrivateKey {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return { privateKey, key: publicKey, keyId: toKeyId(publicKey) };
}

it('names the key that the secret is sealed to, also while the key changes', async () => {
  const keys = [makeKey(), makeKey()];
  let reads = 0;
  const ctx = {
    keys: {
      get seal() {
        return keys[reads++ % 2];
      },
    },
  } as unknown as ServiceContext; // nothing else of it is used
  let stored: unknown[] = [];
  const tx = {
    prisma: { secret: { findFirst: () => Promise.resolve(null) } },
    sql: {
      query: (_: string, values: unknown[]) => {
        stored = values;
        return Promise.resolve({ rows: [], rowCount: 1 });
      },
    },
  } as unknown as Transaction; // nothing else of it is used
  await storeSecret(ctx, tx, { purpose: 'credential', owner: 'c-1', plaintext: 'a value' });
  const [id, version, purpose, owner, keyId, sealed] = stored as [
    string,
    number,
    string,
    string,
    string,
    Buffer,
  ];
  const key = keys.find((each) => each.keyId === keyId);
  if (!key) throw new Error(`sealed to ${keyId}, which is no key`);
  expect(openSealed(key, sealed, { purpose, owner, id, version }).toString('utf8')).toBe('a value');
});
