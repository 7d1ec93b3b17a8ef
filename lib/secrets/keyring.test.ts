import * as files from 'node:fs/promises';
import { chmod, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKeyFinder, isRotationBegun, loadSealKeys, prepareNextSealKey, switchSealKey } from './keyring';
import { ensureKeys, KeyError, loadSealPrivateKey, loadSealPublicKey } from './keys';

/* Only root may give a file away, so owners are the test's own; all else is the real file system. */
const owners = vi.hoisted(() => new Map<string, { uid: number; gid: number }>());
const calls = vi.hoisted(() => [] as string[]);
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof files>();
  const said = (path: unknown) =>
    String(path)
      .replace(/^.*\//, '')
      .replace(/\.[0-9a-f]{12}$/, '.tmp');
  return {
    ...real,
    stat: async (path: string) => Object.assign(await real.stat(path), owners.get(path)),
    chown: vi.fn((path: string, uid: number, gid: number) => {
      owners.set(path, { uid, gid });
      return Promise.resolve();
    }),
    link: async (from: string, to: string) => {
      await real.link(from, to);
      calls.push(`link ${said(to).replace(/-[0-9a-f]{16}/, '-ID')}`);
    },
    rename: async (from: string, to: string) => {
      await real.rename(from, to);
      const owner = owners.get(from);
      owners.delete(from);
      owners.delete(to);
      if (owner) owners.set(to, owner);
      calls.push(`rename ${said(to)}`);
    },
    open: async (path: string, ...rest: [string, number?]) => {
      const handle = await real.open(path, ...rest);
      if (!(await handle.stat()).isDirectory()) return handle;
      const sync = handle.sync.bind(handle);
      handle.sync = async () => {
        await sync();
        calls.push('sync directory');
      };
      return handle;
    },
  };
});

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'siteplan-ring-'));
  await ensureKeys(dir);
  owners.clear();
  calls.length = 0;
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const look = async (name: string) => {
  const { uid, gid, mode } = await files.stat(join(dir, name));
  return { uid, gid, mode: mode & 0o777 };
};
/** As an installation has it whose worker runs as a user of its own. */
async function giveAway(): Promise<void> {
  await chmod(join(dir, 'seal.key'), 0o640);
  await chmod(join(dir, 'seal.pub'), 0o664);
  owners.set(join(dir, 'seal.key'), { uid: 991, gid: 990 });
  owners.set(join(dir, 'seal.pub'), { uid: 993, gid: 992 });
}

describe('a switch of the seal key', () => {
  it('keeps owner, group and mode of both files', async () => {
    await giveAway();
    await prepareNextSealKey(dir);
    expect(await look('seal-next.key')).toEqual({ uid: 991, gid: 990, mode: 0o640 });
    await switchSealKey(dir);
    expect(await look('seal.key')).toEqual({ uid: 991, gid: 990, mode: 0o640 });
    expect(await look('seal.pub')).toEqual({ uid: 993, gid: 992, mode: 0o664 });
  });

  it('does so with a next key that was carried here by somebody else', async () => {
    await prepareNextSealKey(dir);
    await giveAway();
    await switchSealKey(dir);
    expect(await look('seal.key')).toEqual({ uid: 991, gid: 990, mode: 0o640 });
  });

  it('refuses in words, and changes nothing, for a user who may not give files away', async () => {
    const { keyId } = await loadSealPrivateKey(dir);
    const names = await readdir(dir);
    await giveAway();
    vi.mocked(files.chown).mockRejectedValueOnce(Object.assign(new Error('no'), { code: 'EPERM' }));
    const refusal = /can't be given the owner and group of .*seal\.key \(991:990\).*Run this as root/;
    await expect(prepareNextSealKey(dir)).rejects.toThrow(refusal);
    expect(await readdir(dir)).toEqual(names);
    await prepareNextSealKey(dir);
    vi.mocked(files.chown).mockRejectedValueOnce(Object.assign(new Error('no'), { code: 'EPERM' }));
    await expect(switchSealKey(dir)).rejects.toBeInstanceOf(KeyError);
    expect(await readdir(dir)).toEqual([...names, 'seal-next.key'].sort());
    expect((await loadSealPrivateKey(dir)).keyId).toBe(keyId);
    expect((await loadSealPublicKey(dir)).keyId).toBe(keyId);
    expect((await switchSealKey(dir)).keyId).not.toBe(keyId);
    expect(await isRotationBegun(dir)).toBe(false);
  });

  it('makes each step last before the next', async () => {
    await prepareNextSealKey(dir);
    await switchSealKey(dir);
    expect(calls).toEqual([
      ...['rename seal-next.key', 'sync directory', 'link seal-old-ID.key', 'sync directory'],
      ...['rename seal.key', 'sync directory', 'rename seal.pub', 'sync directory'],
    ]);
  });
});

describe('keys of which one is bad', () => {
  it('open what the others open, and the bad one is named', async () => {
    const { keyId: first } = await loadSealPrivateKey(dir);
    await prepareNextSealKey(dir);
    const { keyId: second } = await switchSealKey(dir);
    await writeFile(join(dir, `seal-old-${'0'.repeat(16)}.key`), 'nonsense', { mode: 0o600 });
    const bad: string[] = [];
    const find = createKeyFinder(dir, (path) => bad.push(basename(path)));
    expect((await find(first))?.keyId).toBe(first);
    expect((await find(second))?.keyId).toBe(second);
    expect(bad).toEqual([]);
    expect(await find('f'.repeat(16))).toBeNull();
    expect(bad).toEqual([`seal-old-${'0'.repeat(16)}.key`]);
    expect((await loadSealKeys(dir)).map(({ keyId }) => keyId)).toEqual([second, first]);
  });

  it('are refused when it is the one in use', async () => {
    await writeFile(join(dir, 'seal.key'), 'nonsense');
    await expect(loadSealKeys(dir)).rejects.toBeInstanceOf(KeyError);
  });

  it('are none of our errors when a file goes away between two looks at it', async () => {
    const real = files.stat;
    const spy = vi.spyOn(files, 'stat');
    spy.mockImplementationOnce(async (path) => {
      await rename(String(path), `${String(path)}.gone`);
      return real(path);
    });
    await expect(loadSealPrivateKey(dir)).rejects.toThrow(/seal\.key is gone/);
    spy.mockRestore();
  });
});

describe('the first keys', () => {
  it('last each before the next is made, and before anything is sealed', async () => {
    await ensureKeys(join(dir, 'above', 'keys'));
    const names = ['seal.key', 'seal.pub', 'session.key', 'action.key', 'audit.key'];
    const directories = ['sync directory', 'sync directory'];
    expect(calls).toEqual([...directories, ...names.flatMap((name) => [`link ${name}`, 'sync directory'])]);
  });
});
