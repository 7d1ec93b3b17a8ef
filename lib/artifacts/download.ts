import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** A server that sends nothing for so long is given up. */
const STALL_MS = 60_000;
const MAX_TRIES = 3;

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Bytes that are there and bytes in all, 0 where the server does not say. */
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  /** Pause before the second try; it grows. */
  readonly pauseMs: number;
}

/** Why a download came to nothing, without the URL. */
export class DownloadError extends Error {
  /** Another try would end the same way. */
  readonly isFinal: boolean;

  constructor(message: string, options: ErrorOptions & { isFinal?: boolean } = {}) {
    super(message, options);
    this.name = 'DownloadError';
    this.isFinal = options.isFinal ?? false;
  }
}

/** Codes of Node's sockets and TLS, and of its fetch. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'its name cannot be resolved'],
  [/^ECONNREFUSED$/, 'it refuses connections'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, 'there is no route to it'],
  [/TIMEOUT|^ETIMEDOUT$/, 'it does not answer in time'],
  [/CERT|SELF_SIGNED|^ERR_TLS/, 'its certificate is not trusted'],
];

/** Status codes of clients' errors that pass (RFC 9110, 8470, 6585). */
const PASSING = [408, 425, 429];

function toCode(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

function toDownloadError(host: string, error: unknown): DownloadError {
  const code = toCode(error);
  const words = WORDS.find(([pattern]) => pattern.test(code))?.[1] ?? 'the connection broke off';
  return new DownloadError(`${host}: ${words}`, { cause: error });
}

/** Ours are the errors of the disk; they say what the network cannot. */
function isOfDisk(error: unknown): boolean {
  return /^(ENOSPC|EDQUOT|EROFS|EACCES|EPERM|EIO)$/.test(toCode(error));
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

/** One request for what the file lacks; true when the file is as long as the server's. */
async function requestRest(url: URL, path: string, options: DownloadOptions): Promise<void> {
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(), STALL_MS);
  const signal = AbortSignal.any([options.signal, stall.signal]);
  try {
    const have = await sizeOf(path);
    const headers = have > 0 ? { range: `bytes=${have}-` } : undefined;
    const response = await fetch(url, { signal, ...(headers && { headers }) });
    const isDowngraded = url.protocol === 'https:' && !response.url.startsWith('https:');
    if (isDowngraded || (!response.ok && response.status !== 416)) {
      await response.body?.cancel();
      const { status } = response;
      const what = isDowngraded ? 'leads to an address without TLS' : `answers HTTP ${status}`;
      const isFinal = isDowngraded || (status >= 400 && status < 500 && !PASSING.includes(status));
      throw new DownloadError(`${url.host} ${what}`, { isFinal });
    }
    // What is there is all there is, or more: its checksum tells.
    if (response.status === 416 || !response.body) return void (await response.body?.cancel());
    const isRest = response.status === 206;
    let done = isRest ? have : 0;
    const total = done + Number(response.headers.get('content-length') ?? 0);
    const count = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        timer.refresh();
        done += chunk.length;
        options.onProgress(done, total);
        yield chunk;
      }
    };
    const target = createWriteStream(path, { flags: isRest ? 'a' : 'w', mode: 0o600 });
    // Two names of one class, the platform's and Node's.
    const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
    await pipeline(body, count, target, { signal });
    if (total > 0 && done < total) throw new DownloadError(`${url.host}: the connection broke off`);
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof DownloadError || isOfDisk(error)) throw error;
    throw stall.signal.aborted
      ? new DownloadError(`${url.host} sends nothing any more`)
      : toDownloadError(url.host, error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Downloads to a file (0600) and goes on after the bytes that it already has. `isWhole` looks at the result; where it
 * says no and the file was begun earlier, it is fetched once more from its start. Rejects with DownloadError, the
 * error of the disk or the signal's reason; what was fetched stays for the next time. False when the bytes are wrong.
 */
export async function download(
  url: URL,
  path: string,
  isWhole: () => Promise<boolean>,
  options: DownloadOptions,
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const isResumed = (await sizeOf(path)) > 0;
    try {
      await requestRest(url, path, options);
    } catch (error) {
      const isLast = !(error instanceof DownloadError) || error.isFinal || attempt >= MAX_TRIES;
      if (isLast) throw error;
      await delay(options.pauseMs * attempt, undefined, { signal: options.signal });
      continue;
    }
    if (await isWhole()) return true;
    await rm(path, { force: true });
    if (!isResumed) return false;
  }
}
