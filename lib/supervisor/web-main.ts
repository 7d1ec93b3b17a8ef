import { env, EnvError } from '@/lib/env/env';
import { endWithParent } from '@/lib/env/end-with-parent';
import { createLogger } from '@/lib/log/logger';
import { KeyError } from '@/lib/secrets/keys';
import { startWeb } from './web';

/** The web process, until TERM or INT: the first signal ends streams and lets open requests finish, a second one ends the process. */
async function main(): Promise<void> {
  endWithParent();
  if (!env().databaseUrl) throw new EnvError('DATABASE_URL must be set for the web process.');
  const log = createLogger('web');
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  const web = await startWeb();
  let isStopping = false;
  const onSignal = (): void => {
    if (isStopping) process.exit(130);
    isStopping = true;
    web.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
}

main().catch((error: unknown) => {
  const isPlain = error instanceof EnvError || error instanceof KeyError;
  process.stderr.write(`${isPlain ? error.message : String(error instanceof Error ? error.stack : error)}\n`);
  process.exit(1);
});
