import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** Large pieces: a release file has some hundred MiB. */
const CHUNK_BYTES = 1024 * 1024;

/** `sha256sum-amd64.txt`: the list of checksums of one architecture (RKE2 install.sh). */
export function toSumsName(arch: string): string {
  return `sha256sum-${arch}.txt`;
}

/** The SHA-256 that the list gives for a file, lower case hex; null where it gives none. The first line counts, as on hosts. */
export function findChecksum(sums: string, file: string): string | null {
  for (const line of sums.split('\n')) {
    const [hash = '', name = ''] = line.trim().split(/\s+/);
    if (name.replace(/^\*/, '') === file) return /^[0-9a-f]{64}$/.test(hash) ? hash : null;
  }
  return null;
}

/** SHA-256 of a file, lower case hex; null where there is none. Rejects as reading does. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), hash, {
      ...(signal && { signal }),
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  return hash.digest('hex');
}
