import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { SealPrivateKey, SealPublicKey } from './seal';
import { toKeyId } from './seal';
import { syncDirectory } from './sync-directory';

/** Keys of 256 random bits that a process signs with; files, never variables, never the database. */
export const SYMMETRIC_KEYS = ['session', 'action', 'audit'] as const;
export type SymmetricKeyName = (typeof SYMMETRIC_KEYS)[number];

/** A key file that is missing or unusable; the message is for the person who starts the program. */
export class KeyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyError';
  }
}

/** True for an error of the system with this code, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Writes a file that does not exist yet, whole or not at all, for good. An existing file is left alone. */
async function writeNew(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  // The web's bundler must not take a path that is known at run time only for a reason to pack the whole project.
  const file = await open(/* turbopackIgnore: true */ temporary, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await unlink(temporary);
  }
  // Also where another process was faster: it may not have come that far.
  await syncDirectory(dirname(path));
}

/** Makes a directory, for good; what is missing above it too. */
async function makeDirectory(dir: string): Promise<void> {
  const first = await mkdir(dir, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = resolve(dir); ; made = dirname(made)) {
    await syncDirectory(dirname(made));
    if (made === resolve(first)) return;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Makes the keys that are missing in `dir` (0700, files 0600): for an embedded installation only, where nothing was
 * sealed before. Throws a KeyError when `seal.pub` stands without `seal.key`: a new pair would orphan every secret.
 */
export async function ensureKeys(dir: string): Promise<void> {
  await makeDirectory(dir);
  const [keyPath, publicPath] = [join(dir, 'seal.key'), join(dir, 'seal.pub')];
  if (!(await exists(keyPath))) {
    if (await exists(publicPath)) {
      throw new KeyError(
        `${keyPath} is gone, but ${publicPath} is there. Put the key back: without it no stored secret can be opened.`,
      );
    }
    const { privateKey } = generateKeyPairSync('x25519');
    await writeNew(keyPath, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  }
  const { key } = await loadSealPrivateKey(dir);
  await writeNew(publicPath, key.export({ type: 'spki', format: 'pem' }).toString(), 0o644);
  for (const name of SYMMETRIC_KEYS) {
    await writeNew(join(dir, `${name}.key`), `${randomBytes(32).toString('base64')}\n`, 0o600);
  }
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new KeyError(`The key file ${path} can't be read. Check SITEPLAN_KEYS_DIR and the file's owner.`, {
      cause: error,
    });
  }
}

/** The workers' public key, for sealing. */
export async function loadSealPublicKey(dir: string): Promise<SealPublicKey> {
  const path = join(dir, 'seal.pub');
  const pem = await readKeyFile(path);
  try {
    return toSealPublicKey(pem);
  } catch (error) {
    throw new KeyError(`${path} is not an X25519 public key.`, { cause: error });
  }
}

/** A public key from PEM text. Throws for any other kind of key. */
export function toSealPublicKey(pem: string): SealPublicKey {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'x25519') throw new Error('another kind of key');
  return { key, keyId: toKeyId(key) };
}

/** The workers' private key. Refuses a file that other users of the machine may read. */
export async function loadSealPrivateKey(dir: string): Promise<SealPrivateKey> {
  return readSealPrivateKey(join(dir, 'seal.key'));
}

/** The private key in one file, with the same care. */
export async function readSealPrivateKey(path: string): Promise<SealPrivateKey> {
  const pem = await readKeyFile(path);
  const { mode } = await stat(path).catch((error: unknown) => {
    throw new KeyError(`The key file ${path} is gone.`, { cause: error });
  });
  if (mode & 0o007)
    throw new KeyError(`${path} is open to every user of this machine. Set its mode to 0600.`);
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== 'x25519') throw new Error('another kind of key');
    const key = createPublicKey(privateKey);
    return { privateKey, key, keyId: toKeyId(key) };
  } catch (error) {
    throw new KeyError(`${path} is not an X25519 private key.`, { cause: error });
  }
}

/** A signing key: 32 bytes. */
export async function loadSymmetricKey(dir: string, name: SymmetricKeyName): Promise<Buffer> {
  const path = join(dir, `${name}.key`);
  const bytes = Buffer.from((await readKeyFile(path)).trim(), 'base64');
  if (bytes.length !== 32) throw new KeyError(`${path} does not hold 32 bytes in base64.`);
  return bytes;
}
