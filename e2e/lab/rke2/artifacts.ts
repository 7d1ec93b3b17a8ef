import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { runOrThrow } from '../command';
import { packageFiles } from './package-files';
import { parseRelease } from './release';

export interface ArtifactRelease {
  /** Such as `v1.35.7+rke2r1`. */
  version: string;
  arch: 'amd64' | 'arm64';
}

export const defaultRelease: ArtifactRelease = { version: 'v1.35.7+rke2r1', arch: 'amd64' };

/**
 * Writes the files of one release of the stand-in to `dir`/VERSION under RKE2's own names: the tarball, two image
 * bundles that hold nothing but a note, and the checksums of all three. Returns that folder. The tarball has the
 * real layout and its bytes depend on nothing but the sources.
 */
export async function buildArtifacts(
  dir: string,
  release: ArtifactRelease = defaultRelease,
): Promise<string> {
  parseRelease(release.version);
  const folder = join(dir, release.version);
  await mkdir(folder, { recursive: true });
  const suffix = `linux-${release.arch}`;
  const names = [
    `rke2.${suffix}.tar.gz`,
    `rke2-images-core.${suffix}.tar.zst`,
    `rke2-images-cilium.${suffix}.tar.zst`,
  ];
  const [tarball = '', ...images] = names;
  const program = await bundleStandIn(release.version);
  await packFiles(join(folder, tarball), '--gzip', [
    { path: 'bin/rke2', mode: 0o755, text: program },
    ...packageFiles,
  ]);
  const note = `This is not an image bundle of RKE2 ${release.version}: the lab's stand-in needs no images.\n`;
  for (const name of images)
    await packFiles(join(folder, name), '--zstd', [{ path: 'STAND-IN.txt', mode: 0o644, text: note }]);
  const sums = await Promise.all(
    names.map(async (name) => `${await hashFile(join(folder, name))}  ${name}\n`),
  );
  await writeFile(join(folder, `sha256sum-${release.arch}.txt`), sums.join(''));
  return folder;
}

/** The repository's root, found from this file or from the bundle it was built into. */
function findRepoRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'e2e', 'lab', 'rke2', 'main.ts'))) {
    if (folder === dirname(folder))
      throw new Error('the sources of the stand-in rke2 are not beside this program');
    folder = dirname(folder);
  }
  return folder;
}

/** The whole stand-in as one executable file for Debian's Node. */
async function bundleStandIn(version: string): Promise<string> {
  const root = findRepoRoot();
  const result = await build({
    entryPoints: [join(root, 'e2e/lab/rke2/main.ts')],
    absWorkingDir: root,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node18',
    format: 'cjs',
    banner: { js: '#!/usr/bin/node' },
    define: { RKE2_VERSION: JSON.stringify(version) },
    logLevel: 'silent',
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error('the bundler gave no output');
  return output.text;
}

async function packFiles(
  target: string,
  compression: '--gzip' | '--zstd',
  files: readonly { path: string; mode: number; text: string }[],
): Promise<void> {
  const staging = await mkdtemp(join(tmpdir(), 'rke2-pack-'));
  try {
    for (const file of files) {
      const path = join(staging, file.path);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file.text, { mode: file.mode });
    }
    const stable = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
    const tar = `${target}.tar`;
    await runOrThrow(['tar', ...stable, '-C', staging, '-cf', tar, '.']);
    const pack = compression === '--gzip' ? ['gzip', '-n', '-f', tar] : ['zstd', '-q', '-f', '--rm', tar];
    await runOrThrow(pack);
    await runOrThrow(['mv', '-f', `${tar}.${compression === '--gzip' ? 'gz' : 'zst'}`, target]);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function hashFile(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

export interface ArtifactServer {
  /** What goes into `INSTALL_RKE2_ARTIFACT_URL`: files are at `<url>/v1.35.7%2Brke2r1/<file>`. */
  url: string;
  /** Paths asked for so far, decoded, in order. */
  requests: string[];
  close(): Promise<void>;
}

/** Serves a folder made by buildArtifacts like a mirror of the release downloads, with ranges, GET and HEAD only. */
export async function serveArtifacts(dir: string, address: string, port = 0): Promise<ArtifactServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://mirror').pathname);
    requests.push(path);
    const isPlain = /^\/v[\w.+-]+\/[\w.+-]+$/.test(path) && !path.includes('..');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isPlain || !isRead) response.writeHead(404).end();
    else
      sendFile(join(dir, path), request.headers.range, request.method === 'HEAD', response).catch(() =>
        response.destroy(),
      );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  // A listening TCP server has an AddressInfo.
  const bound = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://${address}:${bound.port}`, requests, close };
}

async function sendFile(
  path: string,
  range: string | undefined,
  isHead: boolean,
  response: ServerResponse,
): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) return void response.writeHead(404).end();
  const [, from] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
  const start = Number(from ?? 0);
  if (start > 0 && start >= found.size)
    return void response.writeHead(416, { 'content-range': `bytes */${found.size}` }).end();
  const partial =
    from === undefined ? {} : { 'content-range': `bytes ${start}-${found.size - 1}/${found.size}` };
  response.writeHead(from === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': found.size - start,
    'accept-ranges': 'bytes',
    ...partial,
  });
  if (isHead) return void response.end();
  createReadStream(path, { start }).pipe(response);
}
