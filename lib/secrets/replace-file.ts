import { randomBytes } from 'node:crypto';
import { chmod, chown, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, KeyError } from './keys';
import { syncDirectory } from './sync-directory';

/**
 * Gives `path` the owner, group and mode of `model`, so that whoever read the one reads what takes its place; does nothing
 * when there is no `model`. Throws a KeyError when this user may not.
 */
export async function makeAlike(path: string, model: string): Promise<void> {
  const [own, wanted] = await Promise.all([
    stat(path),
    stat(model).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return null;
      throw error;
    }),
  ]);
  if (!wanted) return;
  try {
    if (own.uid !== wanted.uid || own.gid !== wanted.gid) await chown(path, wanted.uid, wanted.gid);
    await chmod(path, wanted.mode & 0o777);
  } catch (error) {
    throw new KeyError(
      `A new file can't be given the owner and group of ${model} (${wanted.uid}:${wanted.gid}), so nothing was changed. Run this as root or as their owner.`,
      { cause: error },
    );
  }
}

/**
 * Writes a synced file beside `path` with the owner, group and mode of the one at `model`, or `mode` when there is none.
 * Returns its name; throws a KeyError, and leaves nothing, when this user may not give a file away.
 */
export async function writeBeside(
  path: string,
  content: string,
  { mode, model = path }: { readonly mode: number; readonly model?: string },
): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(/* turbopackIgnore: true */ temporary, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
    await makeAlike(temporary, model);
    await file.sync();
    return temporary;
  } catch (error) {
    await unlink(temporary);
    throw error;
  } finally {
    await file.close();
  }
}

/** Renames over an older file, for good. */
export async function putInPlace(temporary: string, path: string): Promise<void> {
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}
