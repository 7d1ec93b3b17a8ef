import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

/*
 * S8, S9: what is installed, and what the lock file would install, is at or above the last release with a known hole
 * closed. A new advisory raises a floor here.
 */

const FLOORS = [
  ['next', '16.4.5'],
  ['react', '19.3.0'],
  ['react-dom', '19.3.0'],
  ['better-auth', '1.7.7'],
  ['ssh2', '1.15.0'],
] as const;

const Lock = z.object({
  packages: z.record(z.string(), z.object({ name: z.string().optional(), version: z.string().optional() })),
});
const lock = Lock.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));

/** Versions of a package in the lock file, wherever in the tree. */
function lockedVersions(name: string): string[] {
  return Object.entries(lock.packages).flatMap(([path, { version }]) =>
    path.endsWith(`node_modules/${name}`) && version !== undefined ? [version] : [],
  );
}

function installedVersion(name: string): string {
  const text = readFileSync(`node_modules/${name}/package.json`, 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/** Negative when `a` is older than `b`; a pre-release of `b` is older than `b`. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => /^(\d+)\.(\d+)\.(\d+)(-)?/.exec(text)?.slice(1) ?? []);
  for (const place of [0, 1, 2]) {
    const difference = Number(left?.[place]) - Number(right?.[place]);
    if (difference !== 0) return difference;
  }
  return (left?.[3] ? 0 : 1) - (right?.[3] ? 0 : 1);
}

describe('the framework floor (S8)', () => {
  it.each(FLOORS)('%s is %s or newer', (name, floor) => {
    const versions = [installedVersion(name), ...lockedVersions(name)];
    expect(versions.length).toBeGreaterThan(1);
    expect(versions.filter((version) => !(compareVersions(version, floor) >= 0))).toEqual([]);
  });

  it('tells older from newer', () => {
    const older = ['16.4.4', '16.4.5-canary.1', '15.9.9', '16.3.10'];
    expect(older.filter((version) => compareVersions(version, '16.4.5') >= 0)).toEqual([]);
    expect(['16.4.5', '16.4.10', '16.10.0', '17.0.0'].every((v) => compareVersions(v, '16.4.5') >= 0)).toBe(
      true,
    );
  });
});

describe('the image optimiser (S9)', () => {
  it('is off, and sharp is neither installed nor locked', () => {
    expect(readFileSync('next.config.mjs', 'utf8')).toMatch(/^ {2}images: \{ unoptimized: true \},$/m);
    // The override puts an empty package in its place, wherever in the tree somebody asks for it.
    const asked = Object.entries(lock.packages).filter(([path]) => path.endsWith('node_modules/sharp'));
    for (const [path, { name }] of asked) {
      expect(name, path).toBe('server-only');
      const installed = readFileSync(`${path}/package.json`, 'utf8');
      expect(JSON.parse(installed)).toMatchObject({ name: 'server-only' });
    }
    expect(existsSync('node_modules/sharp')).toBe(false);
    expect(Object.keys(lock.packages).filter((path) => path.includes('@img/sharp'))).toEqual([]);
  });
});
