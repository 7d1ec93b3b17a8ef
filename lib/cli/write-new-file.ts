import { writeFile } from 'node:fs/promises';
import { CliError } from './cli-error';
import { toPath } from './read-input';

/** Writes a new file for this user alone. An existing one is left as it is. */
export async function writeNewFile(typed: string, content: string | Uint8Array): Promise<string> {
  const path = toPath(typed);
  await writeFile(path, content, { mode: 0o600, flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'EEXIST' ? 'is there already. Choose another name' : "can't be written";
    throw new CliError('failed', `${path} ${why}.`, { cause });
  });
  return path;
}
