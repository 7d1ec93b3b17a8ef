import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FailureCode } from '@/lib/core/failure';
import { toShellAssignments } from '@/lib/core/shell-quote';
import { toSafeLine } from '@/lib/core/text';
import { toConnectionLost } from './classify-ssh-error';
import { HostError } from './host-error';
import { openProgram, type ProgramHost } from './open-program';

/**
 * Says `same` and ends where the file already holds these bytes; else says `send`, takes standard input into a
 * temporary file (0600, O_EXCL) of the same directory, compares the hash, syncs and renames.
 */
const UPLOAD_SCRIPT = `set -u
LC_ALL=C; export LC_ALL
hash_of() { h=$(sha256sum < "$1") && printf '%s' "\${h%% *}"; }
own() { { [ -z "$sp_owner" ] || chown -- "$sp_owner" "$1"; } && chmod -- "$sp_mode" "$1"; }
settle() { sync "$1" 2>/dev/null || sync; }
dir=\${sp_path%/*}
if [ -f "$sp_path" ] && [ ! -L "$sp_path" ] && [ "$(wc -c < "$sp_path")" -eq "$sp_size" ] &&
  [ "$(hash_of "$sp_path")" = "$sp_sha256" ]; then
  own "$sp_path" || exit 3
  echo same; exit 0
fi
(umask 022; mkdir -p -- "$dir") || exit 3
rm -f -- "$dir"/.siteplan-upload.??????
new=$(umask 077; mktemp "$dir/.siteplan-upload.XXXXXX") || exit 3
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
echo send
cat > "$new" || exit 3
[ "$(hash_of "$new")" = "$sp_sha256" ] || exit 4
own "$new" && settle "$new" && mv -f -- "$new" "$sp_path" && settle "$dir" || exit 3
`;

export interface UploadTarget {
  /** Absolute path of plain characters. */
  readonly path: string;
  /** Octal permission bits, `0600`. */
  readonly mode: string;
  /** `root:root`; absent leaves the connection's user as owner. */
  readonly owner?: string;
}

export type UploadSource =
  Uint8Array | { readonly open: () => Readable; readonly sizeBytes: number; readonly sha256: string };

export interface UploadResult {
  /** Bytes that travelled: 0 when the host already had the file. */
  readonly sentBytes: number;
  readonly sha256: string;
}

function toSource(source: UploadSource) {
  if (!(source instanceof Uint8Array)) return source;
  const sha256 = createHash('sha256').update(source).digest('hex');
  return { open: () => Readable.from([Buffer.from(source)]), sizeBytes: source.length, sha256 };
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
  if (exitCode === 4) {
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

/**
 * Puts a file on the host atomically and sends nothing when it is already there. Rejects with HostError
 * `checksum-mismatch`, `disk-full`, `read-only-filesystem`, `step-exit` or `connection-lost`.
 */
export async function uploadFile(
  host: ProgramHost,
  source: UploadSource,
  target: UploadTarget,
): Promise<UploadResult> {
  const { open, sizeBytes, sha256 } = toSource(source);
  const variables = { ...target, owner: target.owner ?? '', size: String(sizeBytes), sha256 };
  const channel = await openProgram(host, `${toShellAssignments(variables)}${UPLOAD_SCRIPT}`);
  let stderr = '';
  let exitCode: number | null = null;
  channel.stderr.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk.toString('utf8')}`.slice(-8192);
  });
  channel.on('exit', (code: number | null) => {
    exitCode = code ?? 255;
  });
  const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()));
  let answer = '';
  const answered = new Promise<void>((resolve) => {
    channel.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (answer.includes('\n')) resolve();
    });
  });
  channel.resume();
  await Promise.race([answered, closed]);
  const isSending = answer.startsWith('send');
  if (isSending) {
    // A host that ends early (disk full) closes its side; the reason is in its exit code and stderr.
    await Promise.race([pipeline(open(), channel).catch(() => undefined), closed]);
  } else channel.end();
  await closed;
  if (exitCode === null) throw new HostError(toConnectionLost(host.context));
  if (exitCode !== 0) throw toUploadFailure(host, target.path, exitCode, stderr);
  return { sentBytes: isSending ? sizeBytes : 0, sha256 };
}
