import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundleProgram } from '../bundle-program';
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

/** The whole stand-in as one executable file for Debian's Node. */
function bundleStandIn(version: string): Promise<string> {
  const define = { RKE2_VERSION: JSON.stringify(version) };
  return bundleProgram('e2e/lab/rke2/main.ts', { banner: '#!/usr/bin/node', target: 'node18', define });
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
