import { readFile } from 'node:fs/promises';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { ensureFirstAdmin } from '@/lib/auth/first-admin';
import { connectDatabase } from '@/lib/db/connect';
import { ensureDatabase, startCluster, type Cluster } from '@/lib/db/embedded-cluster';
import { migrateDatabase } from '@/lib/db/migrate';
import { toChildEnv } from '@/lib/env/child-env';
import { env, EnvError, type Env } from '@/lib/env/env';
import { ensureKeys, KeyError } from '@/lib/secrets/keys';
import { DataDirInUseError, lockDataDir, prepareDataDir } from './data-dir';
import { startChild, type ManagedChild } from './managed-child';

/*
 * One process starts, watches and stops the others:
 *
 *   keys ─▶ database (embedded unless DATABASE_URL) ─▶ migrations ─▶ web, worker
 *
 * and takes them down in the reverse order. Children that end are started again; a database that ends takes
 * everything through a restart of itself, while web and worker wait for it.
 */

const DATABASE = 'siteplan';
/** What children get to finish after TERM: a worker lets go of its runs, the web ends its streams. */
const GRACE_MS = 15_000;

function say(line: string): void {
  console.log(`[siteplan] ${line}`);
}

/** A start that fails for a reason that a person can mend: one sentence, no stack. */
function isPlainError(error: unknown): error is Error {
  return error instanceof EnvError || error instanceof KeyError || error instanceof DataDirInUseError;
}

/** Stops in the reverse order of starting; every step is bounded by the closer itself. */
class ShutdownStack {
  private readonly closers: (() => Promise<void> | void)[] = [];
  private readonly killers: (() => void)[] = [];

  /** `kill` is for the second signal: ends at once what `close` would end in order. */
  push(close: () => Promise<void> | void, kill: () => void = () => undefined): void {
    this.closers.push(close);
    this.killers.push(kill);
  }

  kill(): void {
    for (const kill of this.killers) kill();
  }

  async run(): Promise<void> {
    for (let close = this.closers.pop(); close; close = this.closers.pop()) {
      await Promise.resolve(close()).catch((error: unknown) => console.error(error));
    }
  }
}

interface DatabaseUrls {
  readonly owner: string;
  readonly web: string;
  readonly worker: string;
}

/** Starts the embedded database and keeps it running; restarts are its own, data stays. */
async function startDatabase(settings: Env, stack: ShutdownStack): Promise<DatabaseUrls> {
  if (settings.databaseUrl) {
    return { owner: settings.databaseUrl, web: settings.databaseUrl, worker: settings.databaseUrl };
  }
  let cluster: Cluster | null = null;
  let isStopping = false;
  const isVerbose = settings.logLevel === 'debug' || settings.logLevel === 'trace';
  const launch = async (): Promise<Cluster> =>
    startCluster({
      dataDir: settings.dataDir,
      onLog: (line) => (isVerbose ? say(`postgres: ${line}`) : undefined),
      onExit: (code) => {
        if (isStopping) return;
        say(`the database ended (${code === null ? 'killed' : `code ${code}`}); starting it again`);
        relaunch();
      },
    });
  let launching = launch();
  const relaunch = (): void => {
    if (isStopping) return;
    launching = launch();
    launching.then(
      (next) => {
        cluster = next;
      },
      (error: unknown) => {
        say(
          `the database does not start: ${error instanceof Error ? error.message : 'unknown reason'}; trying again`,
        );
        setTimeout(relaunch, 2_000);
      },
    );
  };
  // Before the first start is over: a signal in the middle of it must not leave a server behind.
  stack.push(
    async () => {
      isStopping = true;
      await (await launching.catch(() => null))?.stop();
    },
    () => cluster?.kill(),
  );
  cluster = await launching;
  await ensureDatabase(cluster, DATABASE);
  const { urlFor } = cluster;
  return {
    owner: urlFor('siteplan', DATABASE),
    web: urlFor('siteplan_web', DATABASE),
    worker: urlFor('siteplan_worker', DATABASE),
  };
}

async function offerFirstSignIn(settings: Env, url: string): Promise<string | null> {
  const db = connectDatabase(url, 'siteplan_web', { maxConnections: 2 });
  try {
    const token = await ensureFirstAdmin(db, settings.admin);
    return token ? `${settings.publicUrl}/setup?token=${token}` : null;
  } finally {
    await db.close();
  }
}

/** True once the web answers /readyz with 200. */
async function isReady(settings: Env): Promise<boolean> {
  const host = settings.host === '0.0.0.0' ? '127.0.0.1' : settings.host === '::' ? '[::1]' : settings.host;
  const { request } = settings.tls ? await import('node:https') : await import('node:http');
  return new Promise((resolve) => {
    const options = { host, port: settings.port, path: '/readyz', timeout: 2_000, rejectUnauthorized: false };
    const call = request(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on('error', () => resolve(false)).on('timeout', () => call.destroy());
    call.end();
  });
}

async function waitUntilReady(settings: Env, isStopping: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < 600 && !isStopping(); attempt += 1) {
    if (await isReady(settings)) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

function startChildren(urls: DatabaseUrls, isDev: boolean, stack: ShutdownStack): ManagedChild[] {
  const bundle = join(process.cwd(), '.build/bundle');
  const childEnv = (url: string) => toChildEnv({ DATABASE_URL: url });
  const onEnd = (sentence: string) => say(sentence);
  const worker = startChild({
    name: 'worker',
    script: join(bundle, 'worker.mjs'),
    env: childEnv(urls.worker),
    onEnd,
  });
  const web = startChild({ name: 'web', script: join(bundle, 'web.mjs'), env: childEnv(urls.web), onEnd });
  stack.push(
    async () => {
      await Promise.all([web.stop(GRACE_MS), worker.stop(GRACE_MS)]);
    },
    () => [web, worker].forEach((child) => child.kill()),
  );
  if (isDev) {
    const watcher = watch(join(bundle, 'worker.mjs'), () => worker.restart());
    stack.push(() => watcher.close());
  }
  return [web, worker];
}

async function startAll(
  settings: Env,
  stack: ShutdownStack,
  isStopping: () => boolean,
  isDev: boolean,
): Promise<void> {
  await prepareDataDir(settings.dataDir);
  stack.push(await lockDataDir(settings.dataDir));
  if (!settings.databaseUrl) await ensureKeys(settings.keysDir);
  await readFile(join(settings.keysDir, 'seal.pub')).catch(() => {
    throw new KeyError(
      `There are no keys in ${settings.keysDir}. With DATABASE_URL set, put them there (README, "Bigger").`,
    );
  });
  const urls = await startDatabase(settings, stack);
  const applied = await migrateDatabase(urls.owner, join(process.cwd(), 'prisma/migrations'));
  if (applied.length > 0) say(`database schema brought up to date (${applied.length} applied)`);
  const setupUrl = await offerFirstSignIn(settings, urls.web);
  startChildren(urls, isDev, stack);
  if (!(await waitUntilReady(settings, isStopping))) {
    if (!isStopping()) say('the web process is not ready after a minute; the lines above say why');
    return;
  }
  say(`ready on ${settings.publicUrl}`);
  if (setupUrl) say(`create the first administrator here (the link works once): ${setupUrl}`);
}

/** First signal: stop in order. Second: end now; what was running is recovered by the next start. */
function stopOnSignals(stack: ShutdownStack, onStop: () => void): void {
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals > 1) {
      stack.kill();
      process.exit(130);
    }
    onStop();
    say('stopping (a second signal ends at once)');
    stack.run().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
}

/** Ends the process with one line when a start cannot succeed: a bad variable, or a data directory in use. */
export async function precheck(mode: string): Promise<void> {
  try {
    const { dataDir, databaseUrl } = env();
    if (mode === 'web' || mode === 'worker') {
      if (!databaseUrl) throw new EnvError(`DATABASE_URL must be set for npm run start:${mode}.`);
      return;
    }
    await prepareDataDir(dataDir);
    (await lockDataDir(dataDir))();
  } catch (error) {
    console.error(isPlainError(error) ? error.message : error);
    process.exit(1);
  }
}

/** Entry of `npm start`, `npm run dev`, `npm run start:web` and `npm run start:worker`. */
export async function main([mode]: readonly string[]): Promise<void> {
  if (mode === 'web' || mode === 'worker') return startOne(mode);
  const stack = new ShutdownStack();
  let isStopping = false;
  try {
    const settings = env();
    stopOnSignals(stack, () => {
      isStopping = true;
    });
    await startAll(settings, stack, () => isStopping, mode === 'dev');
  } catch (error) {
    if (isStopping) return;
    if (isPlainError(error)) console.error(error.message);
    else console.error(error);
    await stack.run();
    process.exit(1);
  }
}

/** One process of a split installation: the schema is brought up to date where the login may do so. */
async function startOne(mode: 'web' | 'worker'): Promise<void> {
  try {
    const { databaseUrl } = env();
    const login = databaseUrl && decodeURIComponent(new URL(databaseUrl).username);
    if (databaseUrl && login !== 'siteplan_web' && login !== 'siteplan_worker') {
      await migrateDatabase(databaseUrl, join(process.cwd(), 'prisma/migrations'));
    }
    // A path in a variable: esbuild must not pull the other entries into this bundle.
    const entry = join(process.cwd(), '.build/bundle', `${mode}.mjs`);
    await import(entry);
  } catch (error) {
    console.error(isPlainError(error) ? error.message : error);
    process.exit(1);
  }
}
