import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { INTERNET_ARTIFACTS_URL } from '@/lib/steps/artifact-fetch';
import type { ReleaseFile } from '@/lib/steps/step-kind';
import { ArtifactError, toCacheError } from './artifact-error';
import { findChecksum, hashFile, toSumsName } from './checksums';
import { download, DownloadError } from './download';

/** A release file on this machine whose bytes have just been found to be right. */
export interface CachedArtifact {
  readonly path: string;
  readonly sizeBytes: number;
  /** Lower case hex. */
  readonly sha256: string;
  /** Content of the list of checksums that names it. */
  readonly sums: string;
}

export interface FindOptions {
  readonly signal: AbortSignal;
  /** While it is downloaded: bytes that are there, bytes in all (0 when not known). */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** The release files that this control plane has, and fetches when it has not. */
export interface ArtifactCache {
  /** The file, checked. Rejects with ArtifactError or with the signal's reason. */
  readonly find: (wanted: ReleaseFile, options: FindOptions) => Promise<CachedArtifact>;
}

/** A part whose process is alive and that nobody has written to for so long belongs to nobody. */
const ABANDONED_MS = 120_000;
const LOOK_AGAIN_MS = 500;

/** One download for all who want the file; it ends early when nobody waits for it any more. */
interface Flight {
  readonly result: Promise<CachedArtifact>;
  readonly stop: AbortController;
  readonly listeners: Set<NonNullable<FindOptions['onProgress']>>;
  waiting: number;
}

/** `v1.35.7+rke2r1` of a URL: install.sh writes the plus as %2B. */
function toUrl(baseUrl: string, version: string, name: string): URL {
  return new URL(`${baseUrl.replace(/\/+$/, '')}/${version.replaceAll('+', '%2B')}/${name}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

class Cache implements ArtifactCache {
  readonly #flights = new Map<string, Flight>();
  readonly #dir: string;
  readonly #baseUrl: string;
  readonly #pauseMs: number;

  constructor(dir: string, baseUrl: string, pauseMs: number) {
    this.#dir = dir;
    this.#baseUrl = baseUrl;
    this.#pauseMs = pauseMs;
  }

  async find(wanted: ReleaseFile, { signal, onProgress }: FindOptions): Promise<CachedArtifact> {
    signal.throwIfAborted();
    const key = `${wanted.version}/${wanted.file}`;
    const known = this.#flights.get(key);
    const flight = known && !known.stop.signal.aborted ? known : this.#start(key, wanted, known);
    flight.waiting += 1;
    if (onProgress) flight.listeners.add(onProgress);
    let leave: () => void = () => undefined;
    const left = new Promise<never>((_resolve, reject) => {
      // The signal's reason is whatever its owner chose.
      leave = () => reject(signal.reason as Error);
      signal.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([flight.result, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      if (onProgress) flight.listeners.delete(onProgress);
      flight.waiting -= 1;
      if (flight.waiting === 0) flight.stop.abort();
    }
  }

  /** `before` is one that nobody waits for any more and that may still be writing. */
  #start(key: string, wanted: ReleaseFile, before: Flight | undefined): Flight {
    const stop = new AbortController();
    const listeners: Flight['listeners'] = new Set();
    const onProgress = (doneBytes: number, totalBytes: number) => {
      for (const listener of listeners) listener(doneBytes, totalBytes);
    };
    const obtain = async () => {
      await before?.result.catch(() => undefined);
      return this.#obtain(wanted, { signal: stop.signal, onProgress });
    };
    const result = obtain().catch((error: unknown) => {
      throw toCacheError(error, wanted.file);
    });
    const flight: Flight = { result, stop, listeners, waiting: 0 };
    // Nobody may be waiting any more when it fails; the next one who asks looks again.
    result
      .catch(() => undefined)
      .finally(() => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      });
    this.#flights.set(key, flight);
    return flight;
  }

  async #obtain(wanted: ReleaseFile, options: Required<FindOptions>): Promise<CachedArtifact> {
    const { version, arch, file } = wanted;
    const dir = join(this.#dir, version);
    const path = join(dir, file);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const sumsPath = join(dir, toSumsName(arch));
    let sums = await readFile(sumsPath, 'utf8').catch(() => '');
    if (findChecksum(sums, file) === null) {
      await this.#fetch(wanted, toSumsName(arch), sumsPath, () => Promise.resolve(true), options);
      sums = await readFile(sumsPath, 'utf8');
    }
    const sha256 = findChecksum(sums, file);
    if (sha256 === null) throw toMismatch(wanted, `the checksums of ${version} do not name it`);
    const isRight = async (at: string) => (await hashFile(at, options.signal)) === sha256;
    if (!(await isRight(path))) {
      const isWhole = await this.#fetch(wanted, file, path, isRight, options);
      if (!isWhole) throw toMismatch(wanted, 'what was downloaded differs from its checksum');
    }
    return { path, sizeBytes: (await stat(path)).size, sha256, sums };
  }

  /** Downloads to a part of this process and puts it in place whole; false when its bytes are wrong. */
  async #fetch(
    wanted: ReleaseFile,
    name: string,
    path: string,
    isRight: (path: string) => Promise<boolean>,
    options: Required<FindOptions>,
  ): Promise<boolean> {
    const part = join(this.#dir, wanted.version, `.${name}.part-${process.pid}`);
    const url = toUrl(this.#baseUrl, wanted.version, name);
    const isSums = name !== wanted.file;
    if (isSums) await rm(part, { force: true });
    else if (await this.#claimPart(wanted, part, path, isRight, options)) return true;
    try {
      const isWhole = await download(url, part, () => isRight(part), { ...options, pauseMs: this.#pauseMs });
      if (isWhole) await rename(part, path);
      return isWhole;
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      throw toNotThere(wanted, name, error);
    }
  }

  /**
   * Waits while another process of this machine downloads the file, and takes over what a dead one has left. True when
   * the file is there.
   */
  async #claimPart(
    { version, file }: ReleaseFile,
    part: string,
    path: string,
    isRight: (path: string) => Promise<boolean>,
    { signal, onProgress }: Required<FindOptions>,
  ): Promise<boolean> {
    const dir = join(this.#dir, version);
    const prefix = `.${file}.part-`;
    for (let isFirst = true; ; isFirst = false) {
      const names = (await readdir(dir)).filter((name) => name.startsWith(prefix));
      const others = names.filter((name) => join(dir, name) !== part);
      let isBusy = false;
      for (const name of others) {
        const pid = Number(name.slice(prefix.length));
        const found = await stat(join(dir, name)).catch(() => null);
        const isFresh = found !== null && Date.now() - found.mtimeMs < ABANDONED_MS;
        if (isFresh && Number.isInteger(pid) && pid > 0 && isAlive(pid)) {
          isBusy = true;
          onProgress(found.size, 0);
        } else await rename(join(dir, name), part).catch(() => undefined);
      }
      if (!isBusy) return !isFirst && (await isRight(path));
      await delay(LOOK_AGAIN_MS, undefined, { signal });
    }
  }
}

function toMismatch({ version, file }: ReleaseFile, words: string): ArtifactError {
  return new ArtifactError({
    code: 'checksum-mismatch',
    message: `Siteplan has no ${file} of ${version} that can be trusted: ${words}.`,
    nextAction: `Run on the machine of Siteplan: npm run cli -- artifacts remove ${version}, then retry; or bring the files of that release there and add them: npm run cli -- artifacts add FILE...`,
  });
}

function toNotThere({ version, arch, file }: ReleaseFile, name: string, cause: DownloadError): ArtifactError {
  const what = name === file ? '' : `, nor a ${name} that names it`;
  return new ArtifactError(
    {
      code: 'download-failed',
      message: `Siteplan has no ${file} of ${version}${what}, and could not download it: ${cause.message}.`,
      nextAction: `Let the machine of Siteplan reach ${new URL(INTERNET_ARTIFACTS_URL).host}, or bring ${file} and ${toSumsName(arch)} of that release there and run: npm run cli -- artifacts add --release ${version} FILE... Then retry.`,
    },
    { cause },
  );
}

/**
 * The artifact cache in `dir` (DESIGN.md: in the data directory), a folder for each version, 0700, files 0600. What is
 * missing is downloaded from below `baseUrl`, by default where hosts with the internet fetch it, checked against the
 * release's list of checksums, and put in place whole.
 */
export function openArtifactCache(
  dir: string,
  { baseUrl = INTERNET_ARTIFACTS_URL, pauseMs = 2_000 } = {},
): ArtifactCache {
  return new Cache(dir, baseUrl, pauseMs);
}
