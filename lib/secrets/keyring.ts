import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  hasCode,
  KeyError,
  loadSealPrivateKey,
  loadSealPublicKey,
  readSealPrivateKey,
  toSealPublicKey,
} from './keys';
import { makeAlike, putInPlace, writeBeside } from './replace-file';
import type { SealPrivateKey, SealPublicKey } from './seal';
import { syncDirectory } from './sync-directory';

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
const ATTEMPTS = 3;
const OLD = /^seal-old-([0-9a-f]{16})\.key$/;

function toPem({ key }: SealPublicKey): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Hears of a key file beside `seal.key` that was left out, by its path. */
type OnBadKey = (path: string, error: KeyError) => void;

/**
 * Every private key of the directory, the one in use first. Throws a KeyError when `seal.key` is missing, open or broken;
 * any other such file is left out, so that it does not keep what the good ones open.
 */
export async function loadSealKeys(
  dir: string,
  onBad: OnBadKey = () => undefined,
): Promise<readonly [SealPrivateKey, ...SealPrivateKey[]]> {
  const names = await readdir(dir).catch(() => []);
  const others = names.filter((name) => name === NEXT || OLD.test(name)).sort();
  const load = async (path: string): Promise<SealPrivateKey[]> => {
    try {
      return [await readSealPrivateKey(path)];
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      onBad(path, error);
      return [];
    }
  };
  const [current, ...rest] = await Promise.all([
    loadSealPrivateKey(dir),
    ...others.map((name) => load(join(dir, name))),
  ]);
  return [current, ...rest.flat()];
}

/** True when `seal.pub` is the public half of `seal.key`. */
async function isSealPairWhole(dir: string): Promise<boolean> {
  const [own, published] = await Promise.all([loadSealPrivateKey(dir), loadSealPublicKey(dir)]);
  return own.keyId === published.keyId;
}

/**
 * Makes the key that comes next, unless one is there already; returns its id. Nothing uses it yet. Throws a KeyError when
 * it can't be given the owner and group of `seal.key`.
 */
export async function prepareNextSealKey(dir: string): Promise<string> {
  const path = join(dir, NEXT);
  if (!(await exists(path))) {
    const { privateKey } = generateKeyPairSync('x25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await putInPlace(await writeBeside(path, pem, { mode: 0o600, model: join(dir, 'seal.key') }), path);
  }
  return (await readSealPrivateKey(path)).keyId;
}

/**
 * Puts the next key in use; what was in use stays as an old one. Returns what is in use now. Goes on after a kill. Both
 * files keep owner, group and mode; throws a KeyError before anything is changed when this user may not give them that.
 */
export async function switchSealKey(dir: string): Promise<SealPrivateKey> {
  const [path, next] = [join(dir, 'seal.key'), join(dir, NEXT)];
  const isNextReady = await exists(next);
  if (isNextReady) await makeAlike(next, path);
  const coming = isNextReady ? await readSealPrivateKey(next) : await loadSealPrivateKey(dir);
  const published = await loadSealPublicKey(dir).catch(() => null);
  const publicPath = join(dir, 'seal.pub');
  const temporary =
    published?.keyId === coming.keyId ? null : await writeBeside(publicPath, toPem(coming), { mode: 0o644 });
  if (isNextReady) {
    const { keyId } = await loadSealPrivateKey(dir);
    await link(path, join(dir, `seal-old-${keyId}.key`)).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
    // The old key has its name for good before its place is taken.
    await syncDirectory(dir);
    await putInPlace(next, path);
  }
  if (temporary) await putInPlace(temporary, publicPath);
  return loadSealPrivateKey(dir);
}

/** True when a rotation was begun: a next key stands ready, or `seal.pub` is not yet the public half of `seal.key`. */
export async function isRotationBegun(dir: string): Promise<boolean> {
  return (await exists(join(dir, NEXT))) || !(await isSealPairWhole(dir));
}

/** Ids of the old keys, by their files' names. */
export async function listOldSealKeys(dir: string): Promise<string[]> {
  return (await readdir(dir)).flatMap((name) => OLD.exec(name)?.[1] ?? []);
}

/** Removes old keys; whoever calls made sure that nothing is sealed to them. */
export async function removeOldSealKeys(dir: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) await unlink(join(dir, `seal-old-${id}.key`));
  await syncDirectory(dir);
}

/**
 * Finds the private key with an id, looking into the directory again when it is not known yet: a rotation that began
 * after this process started needs no restart. Null when no file holds it; `onBad` then hears of those that can't be read.
 */
export function createKeyFinder(
  dir: string,
  onBad: OnBadKey = () => undefined,
): (keyId: string) => Promise<SealPrivateKey | null> {
  let known: readonly SealPrivateKey[] = [];
  return async (keyId) => {
    const found = known.find((key) => key.keyId === keyId);
    if (found) return found;
    // A switch may come between the look at the directory and the reading of a file: a later look is whole.
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const bad = new Map<string, KeyError>();
      const loaded = await loadSealKeys(dir, (path, error) => bad.set(path, error)).catch(
        (error: unknown) => {
          if (error instanceof KeyError) return null;
          throw error;
        },
      );
      if (loaded) known = loaded;
      const key = loaded?.find((each) => each.keyId === keyId);
      if (key) return key;
      if (attempt === ATTEMPTS) for (const [path, error] of bad) onBad(path, error);
    }
    return null;
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
