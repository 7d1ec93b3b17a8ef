import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toChildEnv } from '@/lib/env/child-env';
import type { ArchiveFile } from './pack-archive';
import { packArchive } from './pack-archive';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'siteplan-archive-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const toFile = (path: string, content = '', isExecutable = false): ArchiveFile => ({
  path,
  content,
  isExecutable,
});

/** Runs the system's tar on the bytes. */
function tar(packed: Buffer, ...args: string[]): string {
  const archive = join(dir, 'a.tar.gz');
  writeFileSync(archive, packed);
  const result = spawnSync('tar', [...args, '-f', archive, '-C', dir], {
    encoding: 'utf8',
    env: toChildEnv({ TZ: 'UTC', LC_ALL: 'C.UTF-8' }),
  });
  expect(result.stderr).toBe('');
  return result.stdout;
}

describe('packArchive', () => {
  it('makes an archive that tar unpacks: folders first, modes, owner root, one fixed time', async () => {
    const packed = await packArchive([
      toFile('b/run.sh', '#!/bin/sh\n', true),
      toFile('b/c/read me.txt', 'é\n'),
    ]);
    expect(tar(packed, '-tvz', '--numeric-owner').trimEnd().split('\n')).toEqual([
      'drwxr-xr-x 0/0               0 1980-01-01 00:00 b/',
      'drwxr-xr-x 0/0               0 1980-01-01 00:00 b/c/',
      '-rw-r--r-- 0/0               3 1980-01-01 00:00 b/c/read me.txt',
      '-rwxr-xr-x 0/0              10 1980-01-01 00:00 b/run.sh',
    ]);
    tar(packed, '-xz', '--no-same-owner');
    expect(readFileSync(join(dir, 'b/c/read me.txt'), 'utf8')).toBe('é\n');
    expect(statSync(join(dir, 'b/run.sh')).mode & 0o777).toBe(0o755);
  });

  it('gives every content and every long path back, and the same bytes for the same files in any order', async () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'B', '7', '.', '_', ' ', 'é'),
      minLength: 1,
      maxLength: 90,
    });
    const path = fc
      .array(part, { minLength: 1, maxLength: 4 })
      .filter((parts) => parts.every((text) => text !== '.' && text !== '..'));
    const content = fc.string({ unit: 'binary', maxLength: 1_200 }).map((text) => text.toWellFormed());
    const files = fc.uniqueArray(fc.record({ path, content, isExecutable: fc.boolean() }), {
      selector: ({ path: [first] }) => first,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(files, async (drawn) => {
        const listed = drawn.map((file) => ({ ...file, path: ['top', ...file.path].join('/') }));
        const packed = await packArchive(listed);
        expect(await packArchive([...listed].reverse())).toEqual(packed);
        rmSync(join(dir, 'top'), { recursive: true, force: true });
        tar(packed, '-xz', '--no-same-owner');
        for (const file of listed) expect(readFileSync(join(dir, file.path), 'utf8')).toBe(file.content);
      }),
      { numRuns: 12 },
    );
  });

  it.each([['/etc/passwd'], ['../up'], ['a//b'], ['a/./b'], [''], ['a/'], ['a\0b']])(
    'refuses the path %j',
    async (path) => {
      await expect(packArchive([toFile(path)])).rejects.toThrow('not a path for an archive');
    },
  );

  it('refuses two entries of one name, also where one is a folder', async () => {
    await expect(packArchive([toFile('a'), toFile('a')])).rejects.toThrow('two entries');
    await expect(packArchive([toFile('a'), toFile('a/b')])).rejects.toThrow('two entries');
    await expect(packArchive([toFile('a'), toFile('a.b'), toFile('a/b')])).rejects.toThrow('two entries');
  });
});
