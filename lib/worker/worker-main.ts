import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { openArtifactCache } from '@/lib/artifacts/artifact-cache';
import { connectDatabase } from '@/lib/db/connect';
import { stopListening } from '@/lib/db/listen';
import { env, EnvError } from '@/lib/env/env';
import { endWithParent } from '@/lib/env/end-with-parent';
import { createLogger } from '@/lib/log/logger';
import { createKeyFinder } from '@/lib/secrets/keyring';
import { KeyError, loadSealPrivateKey } from '@/lib/secrets/keys';
import { runChores } from './chores';
import { runJobLoop } from './job-loop';
import { runSiteLoop } from './site-loop';
import type { WorkerContext } from './worker-context';

/** Waits for the database: at start it may still be coming up. */
async function readInstallationId(context: Pick<WorkerContext, 'db' | 'log' | 'signal'>): Promise<string> {
  for (;;) {
    try {
      const { rows } = await context.db.pool.query<{ id: string }>('SELECT id FROM installation');
      if (rows[0]) return rows[0].id;
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.log.warn({ err: error }, 'waiting for the database');
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

/**
 * A worker process: jobs, sites (runs and samplers) and chores, until TERM or INT. The first signal lets go of
 * everything in order: runs stop at once and are gone on with by the next worker; a second one ends the process.
 */
async function main(): Promise<void> {
  endWithParent();
  const { databaseUrl, dataDir, keysDir, sshAllow, sshAgent } = env();
  if (!databaseUrl) throw new EnvError('DATABASE_URL must be set for a worker.');
  const log = createLogger('worker');
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));

  const db = connectDatabase(databaseUrl, 'siteplan_worker', { maxConnections: 20 });
  const context: WorkerContext = {
    db,
    log,
    sealKey: await loadSealPrivateKey(keysDir),
    findSealKey: createKeyFinder(keysDir, (file, err) => log.warn({ err, file }, 'a seal key was left out')),
    policy: { allow: sshAllow },
    sshAgent,
    artifacts: openArtifactCache(join(dataDir, 'artifacts')),
    holder: `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`,
    installationId: await readInstallationId({ db, log, signal: stop.signal }),
    signal: stop.signal,
  };
  log.info({ holder: context.holder }, 'worker started');
  await Promise.all([runJobLoop(context), runSiteLoop(context), runChores(context)]);
  await stopListening(db);
  await db.close();
  log.info('worker stopped');
  process.exit(0);
}

main().catch((error: unknown) => {
  const isPlain = error instanceof EnvError || error instanceof KeyError;
  process.stderr.write(`${isPlain ? error.message : String(error instanceof Error ? error.stack : error)}\n`);
  process.exit(1);
});
