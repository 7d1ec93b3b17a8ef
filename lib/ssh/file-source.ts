import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { UploadSource } from './upload-file';

/** Large pieces: with 64 KiB an upload takes half as long again. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * A file of this machine as the source of an upload, its hash read now where the caller does not know it. Rejects as
 * `stat` and reading do.
 */
export async function toFileSource(
  path: string,
  known?: { readonly sizeBytes: number; readonly sha256: string },
): Promise<UploadSource> {
  const { sizeBytes, sha256 } = known ?? (await read(path));
  return {
    open: (start) => createReadStream(path, { start, highWaterMark: CHUNK_BYTES }),
    sizeBytes,
    sha256,
  };
}

async function read(path: string): Promise<{ sizeBytes: number; sha256: string }> {
  const { size: sizeBytes } = await stat(path);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), hash);
  return { sizeBytes, sha256: hash.digest('hex') };
}
