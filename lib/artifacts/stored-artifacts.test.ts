import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sha256Hex } from '@/lib/core/hash';
import { openArtifactCache } from './artifact-cache';
import { addArtifacts, listArtifacts, removeArtifacts } from './stored-artifacts';

const version = 'v1.35.7+rke2r1';
const file = 'rke2.linux-amd64.tar.gz';
const sums = 'sha256sum-amd64.txt';

let dir = '';
let cacheDir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'siteplan-stored-'));
  cacheDir = join(dir, 'artifacts');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function give(name: string, content: string): Promise<string> {
  await writeFile(join(dir, name), content);
  return join(dir, name);
}
const names = () => readdir(join(cacheDir, version));

it('files that were added are found with no internet, listed and removed', async () => {
  const paths = [await give(file, 'tarball'), await give(sums, `${sha256Hex('tarball')} *${file}\n`)];
  expect(await addArtifacts(cacheDir, version, paths)).toEqual([file, sums]);
  const cache = openArtifactCache(cacheDir, { baseUrl: 'http://127.0.0.1:2/', pauseMs: 1 });
  const signal = new AbortController().signal;
  const found = await cache.find({ version, arch: 'amd64', file }, { signal });
  expect(await readFile(found.path, 'utf8')).toBe('tarball');
  expect((await stat(found.path)).mode & 0o777).toBe(0o600);
  expect(await listArtifacts(cacheDir)).toMatchObject([
    { version, files: [{ name: file, sizeBytes: 7 }, { name: sums }] },
  ]);
  expect(await removeArtifacts(cacheDir, version)).toBe(true);
  expect(await removeArtifacts(cacheDir, version)).toBe(false);
  expect(await listArtifacts(cacheDir)).toEqual([]);
});

it('a later file is checked against the list that was added before', async () => {
  const list = await give(sums, `${sha256Hex('tarball')}  ${file}\n`);
  await addArtifacts(cacheDir, version, [list]);
  await addArtifacts(cacheDir, version, [await give(file, 'tarball')]);
  expect((await names()).sort()).toEqual([file, sums].sort());
});

it.each([
  ['that differs', file, 'other', /differs from its checksum/],
  ['that no list names', 'other.tar.gz', 'tarball', /No list of checksums names other\.tar\.gz/],
  ['with another name', 'Rke2 (1).tar.gz', 'tarball', /is not the name of a release file/],
])('a file %s is refused, and nothing of what came with it is kept', async (_what, name, content, words) => {
  const list = await give(sums, `${sha256Hex('tarball')}  ${file}\n`);
  await expect(addArtifacts(cacheDir, version, [list, await give(name, content)])).rejects.toThrow(words);
  expect(await names().catch(() => [])).toEqual([]);
});

it('a version that is none leads nowhere', async () => {
  for (const wrong of ['../keys', 'v1', '']) {
    await expect(addArtifacts(cacheDir, wrong, [])).rejects.toThrow();
    await expect(removeArtifacts(cacheDir, wrong)).rejects.toThrow();
  }
});
