// The first code that runs in a bare clone: Node's built-ins only. Installs, generates and builds what is missing or
// stale, then hands over to the bundled TypeScript in .build.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const BUILD = join(ROOT, '.build');
const ENTRIES = {
  supervisor: 'lib/supervisor/supervisor.ts',
  web: 'lib/supervisor/web-main.ts',
  worker: 'lib/worker/worker-main.ts',
  lab: 'e2e/lab/cli.ts',
  bench: 'lib/bench/bench-main.ts',
  soak: 'lib/bench/soak-main.ts',
  cli: 'lib/cli/cli-main.ts',
};
const NEXT_SOURCES = ['app', 'components', 'lib', 'public', 'prisma'];
const NEXT_FILES = ['package.json', 'next.config.mjs', 'tsconfig.json', 'postcss.config.mjs'];

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

function say(line) {
  // Standard output of the command line is its result.
  (process.argv[2] === 'cli' ? console.error : console.log)(`[siteplan] ${line}`);
}

function run(command, args, options = {}) {
  const { env, ...rest } = options;
  const result = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', CHECKPOINT_DISABLE: '1', ...env },
    ...rest,
  });
  if (result.signal) process.exit(130);
  return result.status ?? 1;
}

function runBin(name, args, options) {
  const bin = join(ROOT, 'node_modules', '.bin', name);
  return run(process.execPath, [createRequire(import.meta.url).resolve(bin), ...args], options);
}

function listFiles(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(dir, entry.name);
      if (entry.isDirectory())
        return entry.name === 'generated' || entry.name === '__golden__' ? [] : listFiles(path);
      return entry.isFile() && !/\.(test|e2e)\.tsx?$/.test(entry.name) ? [path] : [];
    })
    .sort();
}

function hashFiles(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths) {
    if (!existsSync(path)) continue;
    hash.update(relative(ROOT, path)).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

/** Runs `make` when the stamp `name` does not hold `hash` (or `product` is gone), then stamps. */
function once(name, hash, product, make) {
  const stamp = join(BUILD, `${name}.stamp`);
  const isFresh =
    existsSync(stamp) && readFileSync(stamp, 'utf8') === hash && (!product || existsSync(product));
  if (isFresh) return;
  make();
  writeFileSync(stamp, hash);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** One build at a time in one clone: a second start waits for the first. */
function withBuildLock(work) {
  const lock = join(BUILD, 'lock');
  mkdirSync(BUILD, { recursive: true });
  for (let waitedS = 0; ; waitedS += 1) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = Number(readFileSync(lock, 'utf8')) || 0;
      if (!holder || !isAlive(holder)) rmSync(lock, { force: true });
      else if (waitedS === 0) say(`waiting for another start (process ${holder}) that builds in this folder`);
      else if (waitedS > 600)
        fail(`Process ${holder} has been building for ten minutes. End it, then start again.`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    }
  }
  const release = () => {
    process.off('exit', release);
    rmSync(lock, { force: true });
  };
  process.once('exit', release);
  work();
  release();
}

function ensureNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Siteplan needs Node 20.19 or newer; this is ${process.versions.node}.`);
  }
}

function ensureDependencies() {
  const hash = hashFiles([join(ROOT, 'package.json'), join(ROOT, 'package-lock.json')]);
  const stamp = join(ROOT, 'node_modules', '.siteplan-stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  say('installing dependencies (first start: about a minute)');
  // --no-save: the lock file may come from another platform, whose optional packages differ.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const status = run(npm, [
    'install',
    '--no-save',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  if (status !== 0)
    fail(
      'The dependencies could not be installed; the lines above say why. Is the package registry reachable?',
    );
  writeFileSync(stamp, hash);
}

function ensureGenerated() {
  const schema = join(ROOT, 'prisma/schema.prisma');
  once(
    'prisma',
    hashFiles([schema, join(ROOT, 'package.json')]),
    join(ROOT, 'lib/db/generated/client.ts'),
    () => {
      // Any existing file keeps the generator from downloading an engine that nothing here uses.
      const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
      if (
        runBin('prisma', ['generate', '--no-hints'], { env, stdio: ['ignore', 'ignore', 'inherit'] }) !== 0
      ) {
        fail('The database client could not be generated from prisma/schema.prisma.');
      }
    },
  );
}

function bundleOptions(names) {
  return {
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(names.map((name) => [name, ENTRIES[name]])),
    outdir: join(BUILD, 'bundle'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    alias: { '@': ROOT },
    sourcemap: true,
    logLevel: 'warning',
  };
}

async function bundle(names) {
  const { build } = await import(pathToFileURL(join(ROOT, 'node_modules/esbuild/lib/main.js')).href);
  await build(bundleOptions(names)).catch(() =>
    fail('The bundles could not be built; the lines above say where.'),
  );
}

/**
 * The ids of server actions hang on this key, so a known one gives every build of these sources the same ids, and a page of
 * one web process may call another. What actions close over is encrypted with action.key, which the web process sets
 * before Next starts.
 */
const BUILD_ACTION_KEY = createHash('sha256').update('siteplan: ids of server actions').digest('base64');

function ensureNextBuild() {
  const files = [
    ...NEXT_SOURCES.flatMap((dir) => listFiles(join(ROOT, dir))),
    ...NEXT_FILES.map((file) => join(ROOT, file)),
  ];
  once('next', hashFiles(files), join(ROOT, '.next/BUILD_ID'), () => {
    say('building the web application');
    if (
      runBin('next', ['build'], {
        env: { NODE_ENV: 'production', NEXT_SERVER_ACTIONS_ENCRYPTION_KEY: BUILD_ACTION_KEY },
        stdio: ['ignore', 'ignore', 'inherit'],
      }) !== 0
    ) {
      fail('The web application could not be built; the lines above say where.');
    }
  });
}

function loadBundle(name) {
  return import(pathToFileURL(join(BUILD, 'bundle', `${name}.mjs`)).href);
}

async function start(mode) {
  const isDev = mode === 'dev';
  process.env.NODE_ENV = isDev ? 'development' : 'production';
  withBuildLock(() => ensureGenerated());
  await bundle(['supervisor', 'web', 'worker']);
  const supervisor = await loadBundle('supervisor');
  // A bad variable or a second start is told before the minute that a build takes.
  await supervisor.precheck(mode);
  if (!isDev && mode !== 'worker') withBuildLock(() => ensureNextBuild());
  if (isDev) {
    const { context } = await import(pathToFileURL(join(ROOT, 'node_modules/esbuild/lib/main.js')).href);
    await (await context(bundleOptions(['worker']))).watch();
  }
  await supervisor.main([mode]);
}

async function main() {
  const [command, ...args] = process.argv.slice(2);
  ensureNode();
  process.env.INIT_CWD ??= process.cwd(); // npm's name for where the person stands
  process.chdir(ROOT);
  mkdirSync(BUILD, { recursive: true });
  withBuildLock(() => ensureDependencies());
  switch (command) {
    case 'start':
    case 'web':
    case 'worker':
    case 'dev':
      return start(command);
    case 'lab':
      await bundle(['lab']);
      return (await loadBundle('lab')).main(args);
    case 'bench':
    case 'soak':
    case 'cli':
      withBuildLock(() => ensureGenerated());
      await bundle([command]);
      return (await loadBundle(command)).main(args);
    case 'prepare':
      withBuildLock(() => {
        ensureGenerated();
        ensureNextBuild();
      });
      return bundle(Object.keys(ENTRIES));
    case 'test':
    case 'verify': {
      withBuildLock(() => ensureGenerated());
      const { runTests } = await import(pathToFileURL(join(ROOT, 'lib/supervisor/run-tests.mjs')).href);
      process.exitCode = await runTests(command, args);
      return undefined;
    }
    default:
      return fail(`Unknown command ${command ?? ''}. See the README for what there is.`);
  }
}

if (!statSync(join(ROOT, 'package.json'), { throwIfNoEntry: false }))
  fail(`There is no package.json in ${ROOT}.`);
await main();
