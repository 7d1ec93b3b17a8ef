import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { Header } from 'tar/header';
import { Pax } from 'tar/pax';

/** One file of an archive; folders are made from the paths. */
export interface ArchiveFile {
  /** Relative, with `/`, without `.` and `..`. */
  readonly path: string;
  readonly content: string;
  /** 0755 when true, 0644 otherwise. */
  readonly isExecutable: boolean;
}

const BLOCK = 512;
/** One moment for every entry, so that equal input gives equal bytes: the first second that a FAT volume can hold, in UTC. */
const MTIME = new Date('1980-01-01T00:00:00Z');
/** Place of the operating system in a gzip header and its value "unknown" (RFC 1952, 2.3.1). */
const GZIP_OS_AT = 9;
const GZIP_OS_UNKNOWN = 255;

/**
 * The files as the bytes of a `.tar.gz`: sorted by path, owned by root, with one fixed time, so that the same files give
 * the same bytes. Every folder has its entry before its files. Throws for a path that is not plain and relative or
 * comes twice.
 */
export async function packArchive(files: readonly ArchiveFile[]): Promise<Buffer> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const folders = new Set<string>();
  const seen = new Set<string>();
  const parts: Buffer[] = [];
  for (const { path, content, isExecutable } of sorted) {
    refuseOddPath(path);
    if (seen.has(path) || folders.has(`${path}/`)) throw new Error(`two entries of the archive are ${path}`);
    seen.add(path);
    for (const folder of listFolders(path)) {
      if (folders.has(folder)) continue;
      if (seen.has(folder.slice(0, -1))) throw new Error(`two entries of the archive are ${folder}`);
      folders.add(folder);
      parts.push(...toHeader(folder, 'Directory', 0o755, 0));
    }
    const body = Buffer.from(content, 'utf8');
    parts.push(
      ...toHeader(path, 'File', isExecutable ? 0o755 : 0o644, body.length),
      body,
      toPadding(body.length),
    );
  }
  parts.push(Buffer.alloc(2 * BLOCK)); // the end of a tar archive is two empty blocks
  const packed = await promisify(gzip)(Buffer.concat(parts), { level: constants.Z_DEFAULT_COMPRESSION });
  packed[GZIP_OS_AT] = GZIP_OS_UNKNOWN;
  return packed;
}

function refuseOddPath(path: string): void {
  const isPlain = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isPlain || path.includes('\0')) throw new Error(`not a path for an archive: ${JSON.stringify(path)}`);
}

/** `a/b/c` as `a/`, `a/b/`. */
function listFolders(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`);
}

/** The header, and before it a second one where the path does not fit. */
function toHeader(path: string, type: 'File' | 'Directory', mode: number, size: number): Buffer[] {
  const data = { path, type, mode, size, uid: 0, gid: 0, uname: 'root', gname: 'root', mtime: MTIME };
  const header = new Header(data);
  const block = Buffer.alloc(BLOCK);
  const needsPax = header.encode(block, 0);
  // Only the path: its own header would otherwise carry what the machine that packs says of the file.
  return needsPax ? [new Pax({ path }).encode(), block] : [block];
}

function toPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}
