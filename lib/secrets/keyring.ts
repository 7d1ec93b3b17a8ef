import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  hasCode,
  KeyError,
  loadSealPrivateKey,
  loadSealPublicKey,
  readSealPrivateKey,
  toSealPublicKey,
} from './keys';
import type { SealPrivateKey, SealPublicKey } from './seal';

/*
 * More than one seal key at a time, for rotation (S3). Files in the keys directory:
 *
 *   seal.key            what secrets are sealed to, with its public half in seal.pub
 *   seal-next.key       made, not in use: may be carried to the other worker machines first
 *   seal-old-ID.key     was seal.key; opens what was sealed to it, until it is removed
 *
 * Each step is one atomic change of a file, so that a kill between any two leaves every secret open to workers, and the
 * same command goes on from there.
 */

const NEXT = 'seal-next.key';
const OLD = /^seal-old-([0-9a-f]{16})\.key$/;

/** Writes a file whole and synced, over an older one. */
async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(/* turbopackIgnore: true */ temporary, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

function toPem({ key }: SealPublicKey): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Every private key of the directory, the one in use first. Throws a KeyError for one that is missing, open or broken. */
export async function loadSealKeys(dir: string): Promise<readonly [SealPrivateKey, ...SealPrivateKey[]]> {
  const names = await readdir(dir).catch(() => []);
  const others = names.filter((name) => name === NEXT || OLD.test(name)).sort();
  const [current, ...rest] = await Promise.all([
    loadSealPrivateKey(dir),
    ...others.map((name) => readSealPrivateKey(join(dir, name))),
  ]);
  return [current, ...rest];
}

/** True when `seal.pub` is the public half of `seal.key`. */
export async function isSealPairWhole(dir: string): Promise<boolean> {
  const [own, published] = await Promise.all([loadSealPrivateKey(dir), loadSealPublicKey(dir)]);
  return own.keyId === published.keyId;
}

/** Makes the key that comes next, unless one is there already; returns its id. Nothing uses it yet. */
export async function prepareNextSealKey(dir: string): Promise<string> {
  const path = join(dir, NEXT);
  if (!(await exists(path))) {
    const { privateKey } = generateKeyPairSync('x25519');
    await replaceFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  }
  return (await readSealPrivateKey(path)).keyId;
}

/** Puts the next key in use; what was in use stays as an old one. Returns what is in use now. Goes on after a kill. */
export async function switchSealKey(dir: string): Promise<SealPrivateKey> {
  const path = join(dir, 'seal.key');
  if (await exists(join(dir, NEXT))) {
    const { keyId } = await loadSealPrivateKey(dir);
    await link(path, join(dir, `seal-old-${keyId}.key`)).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
    await rename(join(dir, NEXT), path);
  }
  const current = await loadSealPrivateKey(dir);
  if (!(await isSealPairWhole(dir).catch(() => false))) {
    await replaceFile(join(dir, 'seal.pub'), toPem(current), 0o644);
  }
  return current;
}

/** True when a rotation was begun: a next key stands ready, or `seal.pub` is not yet the public half of `seal.key`. */
export async function isRotationBegun(dir: string): Promise<boolean> {
  return (await exists(join(dir, NEXT))) || !(await isSealPairWhole(dir));
}

/** Removes the old keys; whoever calls made sure that nothing is sealed to them. Returns their ids. */
export async function removeOldSealKeys(dir: string): Promise<string[]> {
  const ids = (await readdir(dir)).flatMap((name) => OLD.exec(name)?.[1] ?? []);
  for (const id of ids) await unlink(join(dir, `seal-old-${id}.key`));
  return ids;
}

/**
 * Finds the private key with an id, looking into the directory again when it is not known yet: a rotation that began
 * after this process started needs no restart. Null when no file holds it.
 */
export function createKeyFinder(dir: string): (keyId: string) => Promise<SealPrivateKey | null> {
  let known: readonly SealPrivateKey[] = [];
  return async (keyId) => {
    const found = known.find((key) => key.keyId === keyId);
    if (found) return found;
    // A switch renames files between the look at the directory and the reading of one: the second look is whole.
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const loaded = await loadSealKeys(dir).catch((error: unknown) => {
        if (error instanceof KeyError) return null;
        throw error;
      });
      if (!loaded) continue;
      known = loaded;
      break;
    }
    return known.find((key) => key.keyId === keyId) ?? null;
  };
}

/** The key to seal to, as `seal.pub` has it at each call; the last good one while the file cannot be read. */
export function createSealPublicReader(dir: string, first: SealPublicKey): () => SealPublicKey {
  let text = '';
  let key = first;
  return () => {
    try {
      const found = readFileSync(/* turbopackIgnore: true */ join(dir, 'seal.pub'), 'utf8');
      if (found !== text) key = toSealPublicKey(found);
      text = found;
    } catch {
      // the file is being replaced, or gone: what was sealed to before can still be opened
    }
    return key;
  };
}
