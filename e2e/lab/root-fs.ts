import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand, runOrThrow } from './command';
import { findProcess, isRunning } from './process-identity';
import { customiseScript, excludedPaths, labPackages } from './recipe';
import { findTool } from './support';

const buildLimitMs = 15 * 60_000;

/**
 * The path of the root file system that every lab host boots from (as the read-only layer), made now when this
 * recipe was never built in `dir`. The first build takes about half a minute and 400 MiB and needs this machine's
 * package sources; it is kept under a hash of its recipe. Rejects with the bootstrap program's last words.
 */
export async function ensureRootFs(dir: string, log: (line: string) => void): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const suite = await readSuite();
  const recipe = JSON.stringify({ suite, arch: process.arch, labPackages, excludedPaths, customiseScript });
  const path = join(dir, `root-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}`);
  if (existsSync(path)) return path;
  await withBuildLock(dir, async () => {
    if (existsSync(path)) return;
    log(`making the hosts' root file system (${suite}, once; about a minute)`);
    const part = `${path}.part`;
    await rm(part, { recursive: true, force: true });
    await bootstrap(suite, part);
    await runOrThrow(['chroot', part, '/bin/sh', '-s'], { input: customiseScript, timeoutMs: 120_000 });
    await rename(part, path);
  });
  return path;
}

/** Root file systems in `dir` that no recipe of today and no path in `used` needs are removed. */
export async function removeOldRootFs(dir: string, used: readonly string[]): Promise<void> {
  for (const entry of await readdir(dir).catch(() => [])) {
    const path = join(dir, entry);
    if (/^root-[0-9a-f]{12}$/.test(entry) && !used.includes(path))
      await rm(path, { recursive: true, force: true });
  }
}

async function readSuite(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
  return /^ID=debian$/m.test(release) && codename !== undefined ? codename : 'bookworm';
}

/** This machine's own Debian source list, when it has one; otherwise the bootstrap program uses its default mirror. */
function findSources(): string | null {
  const candidates = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'];
  return candidates.find((path) => existsSync(path)) ?? null;
}

async function bootstrap(suite: string, target: string): Promise<void> {
  const sources = findSources();
  const argv =
    findTool('mmdebstrap') === null
      ? await debootstrapCommand(suite, target, sources)
      : await mmdebstrapCommand(suite, target, sources);
  await runOrThrow(argv, { timeoutMs: buildLimitMs });
}

async function mmdebstrapCommand(suite: string, target: string, sources: string | null): Promise<string[]> {
  const apt = (await aptTransportOptions()).map((line) => `--aptopt=${line}`);
  const paths = excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`);
  const copyAuth =
    'mkdir -p "$1/etc/apt/auth.conf.d"; for f in /etc/apt/auth.conf /etc/apt/auth.conf.d/*; do ' +
    '[ ! -f "$f" ] || cp "$f" "$1$f"; done';
  return [
    'mmdebstrap',
    '--quiet',
    '--mode=root',
    '--variant=minbase',
    '--format=directory',
    '--aptopt=APT::Install-Recommends "false"',
    ...apt,
    '--dpkgopt=force-unsafe-io',
    ...paths,
    `--setup-hook=${copyAuth}`,
    `--include=${labPackages.join(',')}`,
    suite,
    target,
    ...(sources ? [sources] : []),
  ];
}

async function debootstrapCommand(suite: string, target: string, sources: string | null): Promise<string[]> {
  const text = sources === null ? '' : await readFile(sources, 'utf8');
  const mirror = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+)/m.exec(text)?.[1];
  return [
    'debootstrap',
    '--variant=minbase',
    `--include=${labPackages.join(',')}`,
    suite,
    target,
    ...(mirror === undefined ? [] : [mirror]),
  ];
}

/** How this machine's apt reaches its mirror (proxy, time-outs, date checks), as lines of apt configuration. */
async function aptTransportOptions(): Promise<string[]> {
  const dump = await runCommand(['apt-config', 'dump', 'Acquire']).catch(() => null);
  const wanted = /^Acquire::(https?::|ForceIPv|Retries|Check-Date|Check-Valid-Until)/;
  return (dump?.stdout ?? '').split('\n').filter((line) => wanted.test(line) && !line.endsWith('"";'));
}

async function withBuildLock(dir: string, act: () => Promise<void>): Promise<void> {
  const lock = join(dir, 'build.lock');
  const deadline = Date.now() + buildLimitMs;
  const mine = JSON.stringify(findProcess(process.pid));
  for (;;) {
    const taken = await writeFile(lock, mine, { flag: 'wx' }).then(
      () => true,
      () => false,
    );
    if (taken) break;
    const holder = await readFile(lock, 'utf8').catch(() => null);
    const ageMs =
      Date.now() -
      (await stat(lock).then(
        (s) => s.mtimeMs,
        () => Date.now(),
      ));
    // A holder that has died, or a lock file it never finished writing, must not block for ever.
    const dead = holder === null || holder === '' ? ageMs > 5_000 : !isRunning(JSON.parse(holder));
    if (dead) await rm(lock, { force: true });
    else if (Date.now() > deadline)
      throw new Error(`another process has been building in ${dir} for too long`);
    else await delay(200);
  }
  try {
    await act();
  } finally {
    await rm(lock, { force: true });
  }
}
