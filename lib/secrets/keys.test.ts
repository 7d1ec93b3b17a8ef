import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureKeys, KeyError, loadSealPrivateKey, loadSealPublicKey, loadSymmetricKey } from './keys';
import { openSealed, seal } from './seal';

let dir: string;
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'siteplan-keys-')), 'keys');
});
afterEach(() => rm(join(dir, '..'), { recursive: true, force: true }));

const modeOf = async (name: string) => ((await stat(join(dir, name))).mode & 0o777).toString(8);

describe('ensureKeys', () => {
  it('makes a complete set that only its owner may read', async () => {
    await ensureKeys(dir);
    expect((await readdir(dir)).sort()).toEqual([
      'action.key',
      'audit.key',
      'seal.key',
      'seal.pub',
      'session.key',
    ]);
    expect(await modeOf('')).toBe('700');
    for (const name of ['seal.key', 'session.key', 'action.key', 'audit.key'])
      expect(await modeOf(name)).toBe('600');
    const [publicKey, privateKey] = [await loadSealPublicKey(dir), await loadSealPrivateKey(dir)];
    const identity = { purpose: 'credential', owner: 'c-1', id: 'k-1', version: 1 };
    const sealed = seal(publicKey, Buffer.from('secret'), identity);
    expect(openSealed(privateKey, sealed, identity).toString()).toBe('secret');
    expect(publicKey.keyId).toBe(privateKey.keyId);
  });

  it('leaves what is there alone, also when several start at once', async () => {
    await Promise.all([ensureKeys(dir), ensureKeys(dir), ensureKeys(dir)]);
    const before = await Promise.all((await readdir(dir)).map((name) => readFile(join(dir, name), 'utf8')));
    await ensureKeys(dir);
    const after = await Promise.all((await readdir(dir)).map((name) => readFile(join(dir, name), 'utf8')));
    expect(after).toEqual(before);
    expect(after).toHaveLength(5);
  });

  it('makes no new pair where the old one sealed something', async () => {
    await ensureKeys(dir);
    await rm(join(dir, 'seal.key'));
    await expect(ensureKeys(dir)).rejects.toThrow(/Put the key back/);
  });

  it('gives three different signing keys of 256 bits', async () => {
    await ensureKeys(dir);
    const keys = await Promise.all(
      (['session', 'action', 'audit'] as const).map((name) => loadSymmetricKey(dir, name)),
    );
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(3);
    expect(keys.map((key) => key.length)).toEqual([32, 32, 32]);
  });
});

describe('loading keys', () => {
  it('says which file is missing or wrong', async () => {
    await expect(loadSealPublicKey(dir)).rejects.toThrow(/seal\.pub can't be read/);
    await ensureKeys(dir);
    await writeFile(join(dir, 'seal.pub'), 'nonsense');
    await expect(loadSealPublicKey(dir)).rejects.toThrow(KeyError);
    await writeFile(join(dir, 'audit.key'), 'c2hvcnQ=');
    await expect(loadSymmetricKey(dir, 'audit')).rejects.toThrow(/32 bytes/);
  });

  it('refuses a private key that everybody may read', async () => {
    await ensureKeys(dir);
    await chmod(join(dir, 'seal.key'), 0o644);
    await expect(loadSealPrivateKey(dir)).rejects.toThrow(/0600/);
  });
});
