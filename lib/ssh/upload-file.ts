import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ClientChannel } from 'ssh2';
import type { FailureCode } from '@/lib/core/failure';
import { toSafeLine } from '@/lib/core/text';
import { toConnectionLost } from './classify-ssh-error';
import { endChannel } from './end-channel';
import { HostError } from './host-error';
import { openProgram, type ProgramHost } from './open-program';
import { toProgram } from './to-program';
import { UPLOAD_SCRIPT } from './upload-script';

export interface UploadTarget {
  /** Absolute path of plain characters. */
  readonly path: string;
  /** Octal permission bits, `0600`. */
  readonly mode: string;
  /** `root:root`; absent leaves the connection's user as owner. */
  readonly owner?: string;
}

/** Bytes, or something that can be read from any byte on, as often as asked for. */
export type UploadSource =
  | Uint8Array
  | {
      readonly open: (startByte: number) => Readable;
      readonly sizeBytes: number;
      /** Lower case hex. */
      readonly sha256: string;
    };

export interface UploadResult {
  /** Bytes that travelled: 0 when the host already had the file, the rest when it had a part. */
  readonly sentBytes: number;
  readonly sha256: string;
}

export interface UploadOptions {
  /** Ends the upload at once; what has arrived stays for the next one. */
  readonly signal?: AbortSignal;
  /** Bytes of the file that are on the host or on their way. */
  readonly onProgress?: (doneBytes: number) => void;
}

/** The longest answer is `have`, a size and a hash. */
const MAX_ANSWER_BYTES = 1024;

type OpenSource = Exclude<UploadSource, Uint8Array>;

function toSource(source: UploadSource): OpenSource {
  if (!(source instanceof Uint8Array)) return source;
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { open: (start) => Readable.from([bytes.subarray(start)]), sizeBytes: bytes.length, sha256 };
}

const CAUSES: readonly (readonly [RegExp, FailureCode, string, string])[] = [
  [
    /no space left|disk quota/i,
    'disk-full',
    'there is no room for it',
    'Free space on the host, then try again.',
  ],
  [
    /read-only file system/i,
    'read-only-filesystem',
    'the file system is read-only',
    'Mount it writable, then try again.',
  ],
];

function toUploadFailure(host: ProgramHost, path: string, exitCode: number, stderr: string): HostError {
  const what = `The upload of ${path} to ${host.context.name} failed`;
  // 5: the source ended before its stated size, for the connection stands.
  if (exitCode === 4 || exitCode === 5) {
    return new HostError({
      code: 'checksum-mismatch',
      message: `${what}: what arrived has another checksum.`,
      nextAction: 'Try again; if it happens twice, check the memory and network of both ends.',
    });
  }
  const cause = CAUSES.find(([pattern]) => pattern.test(stderr));
  if (cause) return new HostError({ code: cause[1], message: `${what}: ${cause[2]}.`, nextAction: cause[3] });
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return new HostError({
    code: 'step-exit',
    message: `${what}${line ? `; the host says: ${toSafeLine(line, 200)}` : '.'}`,
    nextAction: 'Check the directory and its permissions on the host.',
  });
}

function toNoAnswer(host: ProgramHost, path: string): HostError {
  return new HostError({
    code: 'step-exit',
    message: `The upload of ${path} to ${host.context.name} failed: the host prints something else than an answer.`,
    nextAction: 'Look for programs on the host (mkdir, find, mktemp) that print more than they should.',
  });
}

/** True when the first `count` bytes of the source are what the host has. */
async function hasPrefix(source: OpenSource, count: number, sha256: string): Promise<boolean> {
  const hash = createHash('sha256');
  let left = count;
  for await (const chunk of source.open(0)) {
    const bytes = chunk as Buffer; // sources have no encoding set
    hash.update(bytes.subarray(0, left));
    left -= Math.min(left, bytes.length);
    if (left === 0) break;
  }
  return left === 0 && hash.digest('hex') === sha256;
}

/**
 * What the host says on its first line: nothing to send, or how much of it is there. Empty when the channel closed before
 * it, null when what comes is no such line. Whatever the host prints after it is dropped.
 */
async function readAnswer(channel: ClientChannel, closed: Promise<void>): Promise<readonly string[] | null> {
  let answer = '';
  let onData: (chunk: Buffer) => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    onData = (chunk) => {
      answer += chunk.toString('latin1', 0, MAX_ANSWER_BYTES);
      if (answer.includes('\n') || answer.length >= MAX_ANSWER_BYTES) resolve();
    };
    channel.on('data', onData);
  });
  channel.resume();
  await Promise.race([answered, closed]);
  channel.removeListener('data', onData).resume();
  const end = answer.indexOf('\n');
  if (end < 0) return answer.length >= MAX_ANSWER_BYTES ? null : [];
  return answer.slice(0, end).split(' ');
}

/** Sends what the host lacks and gives the number of bytes; a host that ends early says why when it closes. */
async function sendRest(
  source: OpenSource,
  channel: ClientChannel,
  have: readonly string[],
  closed: Promise<void>,
  onProgress: UploadOptions['onProgress'],
): Promise<number> {
  const present = Number(have[1]);
  let start = 0;
  if (present > 0) {
    start = (await hasPrefix(source, present, have[2] ?? '')) ? present : 0;
    channel.write(start > 0 ? 'resume\n' : 'restart\n');
  }
  const reader = source.open(start);
  let sourceError: unknown = null;
  reader.once('error', (error) => {
    sourceError = error;
  });
  let done = start;
  if (onProgress) reader.on('data', (chunk: Buffer) => onProgress((done += chunk.length)));
  await Promise.race([pipeline(reader, channel).catch(() => undefined), closed]);
  reader.destroy();
  if (sourceError) {
    endChannel(channel);
    throw sourceError as Error; // what a stream emits as its error
  }
  return source.sizeBytes - start;
}

/**
 * Puts a file on the host atomically: nothing travels when it is already there, and after a lost connection another call
 * sends only what the host still lacks. Rejects with HostError `checksum-mismatch`, `disk-full`,
 * `read-only-filesystem`, `step-exit` or `connection-lost`, with the error of the source, or with the signal's reason.
 */
export async function uploadFile(
  host: ProgramHost,
  from: UploadSource,
  target: UploadTarget,
  { signal, onProgress }: UploadOptions = {},
): Promise<UploadResult> {
  const source = toSource(from);
  const { sizeBytes, sha256 } = source;
  const variables = { ...target, owner: target.owner ?? '', size: String(sizeBytes), sha256 };
  signal?.throwIfAborted();
  const channel = await openProgram(host, toProgram(variables, UPLOAD_SCRIPT));
  let stderr = '';
  let exitCode: number | null = null;
  channel.stderr.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk.toString('utf8')}`.slice(-8192);
  });
  channel.on('exit', (code: number | null) => {
    exitCode = code ?? 255;
  });
  const ended = new Promise<void>((resolve) => channel.once('close', () => resolve()));
  // Not waited for when it is us who end it: a host that hangs would not answer.
  const aborted = new Promise<void>((resolve) => {
    const stop = () => {
      endChannel(channel);
      resolve();
    };
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop, { once: true });
    void ended.then(() => signal?.removeEventListener('abort', stop));
  });
  const closed = Promise.race([ended, aborted]);
  const answer = await readAnswer(channel, closed);
  signal?.throwIfAborted();
  if (answer === null) {
    endChannel(channel);
    throw toNoAnswer(host, target.path);
  }
  let sentBytes = 0;
  if (answer[0] === 'have') sentBytes = await sendRest(source, channel, answer, closed, onProgress);
  else channel.end();
  await closed;
  signal?.throwIfAborted();
  if (exitCode === null) throw new HostError(toConnectionLost(host.context));
  if (exitCode !== 0) throw toUploadFailure(host, target.path, exitCode, stderr);
  return { sentBytes, sha256 };
}
