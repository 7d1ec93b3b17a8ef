import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ArtifactName, Rke2Version } from '@/lib/steps/artifact-fetch';
import { ArtifactError, toCacheError } from './artifact-error';
import { findChecksum } from './checksums';

/** One release in the cache. */
export interface StoredRelease {
  readonly version: string;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
}

const SUMS = /^sha256sum-(?:amd64|arm64)\.txt$/;
const TEMPORARY = '.added-';

function refuse(message: string, nextAction: string): ArtifactError {
  return new ArtifactError({ code: 'checksum-mismatch', message, nextAction });
}

/** Copies and gives the SHA-256 of what was written, lower case hex. */
async function copyHashed(from: string, to: string): Promise<string> {
  const hash = createHash('sha256');
  const read = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const options = { highWaterMark: 1024 * 1024 };
  await pipeline(createReadStream(from, options), read, createWriteStream(to, { flags: 'wx', mode: 0o600 }));
  return hash.digest('hex');
}

/** The lists of checksums among the paths, else those that the cache has. */
async function readSums(dir: string, paths: readonly string[]): Promise<string> {
  const given = paths.filter((path) => SUMS.test(basename(path)));
  const stored = (await readdir(dir).catch(() => [])).filter((name) => SUMS.test(name));
  const from = given.length > 0 ? given : stored.map((name) => join(dir, name));
  return (await Promise.all(from.map((path) => readFile(path, 'utf8')))).join('\n');
}

/**
 * Puts release files of `version` into the cache `cacheDir`: names as released, each checked against the list of
 * checksums that is among `paths` or was added before. All or none are put in place; gives their names. Rejects with
 * ArtifactError, or as reading the paths does.
 */
export async function addArtifacts(
  cacheDir: string,
  version: string,
  paths: readonly string[],
): Promise<readonly string[]> {
  const dir = join(cacheDir, Rke2Version.parse(version));
  const names = paths.map((path) => basename(path));
  const odd = names.find((name) => !ArtifactName.safeParse(name).success);
  if (odd !== undefined) {
    throw refuse(`${odd} is not the name of a release file.`, 'Leave the names as they were released.');
  }
  const sums = await readSums(dir, paths);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const left = (await readdir(dir)).filter((name) => name.startsWith(TEMPORARY));
    await Promise.all(left.map((name) => rm(join(dir, name), { force: true })));
    const toTemporary = (name: string) => join(dir, `${TEMPORARY}${name}`);
    try {
      for (const [index, path] of paths.entries()) {
        const name = names[index] ?? '';
        const hash = await copyHashed(path, toTemporary(name));
        if (SUMS.test(name)) continue;
        const wanted = findChecksum(sums, name);
        if (wanted === null)
          throw refuse(
            `No list of checksums names ${name}.`,
            `Add sha256sum-amd64.txt or sha256sum-arm64.txt of ${version} together with it.`,
          );
        if (hash !== wanted)
          throw refuse(
            `${name} differs from its checksum in the list of ${version}.`,
            'Fetch it again from where the release is.',
          );
      }
      // Lists first: a file without its list counts as missing, and would be looked for on the internet.
      const order = [...names].sort((a, b) => Number(SUMS.test(b)) - Number(SUMS.test(a)));
      for (const name of order) await rename(toTemporary(name), join(dir, name));
    } finally {
      await Promise.all(names.map((name) => rm(toTemporary(name), { force: true })));
    }
  } catch (error) {
    throw toCacheError(error, 'what was added');
  }
  return names;
}

/** What the cache holds whole, by version; parts of downloads are left out. */
export async function listArtifacts(cacheDir: string): Promise<readonly StoredRelease[]> {
  const versions = (await readdir(cacheDir).catch(() => [])).filter(
    (name) => Rke2Version.safeParse(name).success,
  );
  return Promise.all(
    versions.sort().map(async (version) => {
      const names = (await readdir(join(cacheDir, version))).filter((name) => !name.startsWith('.')).sort();
      const sizes = await Promise.all(names.map((name) => stat(join(cacheDir, version, name))));
      return { version, files: names.map((name, index) => ({ name, sizeBytes: sizes[index]?.size ?? 0 })) };
    }),
  );
}

/** Removes a version from the cache; false when it was not there. */
export async function removeArtifacts(cacheDir: string, version: string): Promise<boolean> {
  const dir = join(cacheDir, Rke2Version.parse(version));
  const isThere = await stat(dir).then(
    () => true,
    () => false,
  );
  await rm(dir, { recursive: true, force: true });
  return isThere;
}
