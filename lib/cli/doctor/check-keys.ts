import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  loadSealPublicKey,
  loadSymmetricKey,
  SYMMETRIC_KEYS,
  type SymmetricKeyName,
} from '@/lib/secrets/keys';
import { loadSealKeys } from '@/lib/secrets/keyring';
import type { SealPrivateKey } from '@/lib/secrets/seal';
import { fail, ok, warn, type DoctorLine } from './line';

function toReason(error: unknown): string {
  return error instanceof Error ? error.message : 'it cannot be read';
}

/** A secret file that nobody else may read; null when that is so, or when there is none. */
async function checkMode(path: string): Promise<DoctorLine | null> {
  const found = await stat(path).catch(() => null);
  if (!found || (found.mode & 0o077) === 0) return null;
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
  // A group of its own is one way to share keys with a service user; everybody is never one.
  const tell = found.mode & 0o007 ? fail : warn;
  return tell(path, `others may read it (mode ${mode})`, `chmod 0600 ${path}`);
}

async function checkSymmetric(dir: string, name: SymmetricKeyName): Promise<DoctorLine> {
  const path = join(dir, `${name}.key`);
  try {
    await loadSymmetricKey(dir, name);
    return (await checkMode(path)) ?? ok(`${name}.key`, '32 bytes');
  } catch (error) {
    return fail(`${name}.key`, toReason(error), 'Put back the file of this installation, from its backup.');
  }
}

/**
 * The keys of this machine. A web machine of a split installation has no `seal.key`, and that is right: then `keys` is
 * null and the line is a warning.
 */
export async function checkKeys(
  dir: string,
): Promise<{ lines: DoctorLine[]; keys: readonly [SealPrivateKey, ...SealPrivateKey[]] | null }> {
  const lines = await Promise.all(SYMMETRIC_KEYS.map((name) => checkSymmetric(dir, name)));
  const published = await loadSealPublicKey(dir).catch((error: unknown) => toReason(error));
  if (typeof published === 'string') {
    lines.push(fail('seal.pub', published, 'Put it back: new secrets cannot be stored without it.'));
  }
  const sealPath = join(dir, 'seal.key');
  if (!(await stat(sealPath).catch(() => null))) {
    const fix = 'Right on a machine that runs web processes only. Workers need it.';
    return { lines: [...lines, warn('seal.key', `${sealPath} is not there`, fix)], keys: null };
  }
  const onBad = (path: string, { message }: Error) =>
    lines.push(fail(basename(path), message, 'Put it back from its backup, or take it away.'));
  const keys = await loadSealKeys(dir, onBad).catch((error: unknown) => toReason(error));
  if (typeof keys === 'string') {
    return { lines: [...lines, fail('seal.key', keys, 'Put back the keys, from their backup.')], keys: null };
  }
  const [current, ...others] = keys;
  const more = others.length > 0 ? `, and ${others.length} more to open older secrets` : '';
  lines.push((await checkMode(sealPath)) ?? ok('seal.key', `${current.keyId}${more}`));
  if (typeof published !== 'string') lines.push(checkPair(current.keyId, published.keyId));
  return { lines, keys };
}

function checkPair(own: string, published: string): DoctorLine {
  if (own === published) return ok('seal.pub', 'matches seal.key');
  const fix = 'Finish the rotation with: secret rotate. If there was none, put both back from their backup.';
  return fail('seal.pub', `${published} does not match seal.key ${own}`, fix);
}
