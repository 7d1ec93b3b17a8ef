import { spawn, type ChildProcess } from 'node:child_process';

/** First restart after this long; doubles up to the limit while the child keeps ending early. */
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** A child that ran this long has earned a fresh start. */
const STEADY_MS = 60_000;

export interface ManagedChild {
  readonly name: string;
  /** TERM, then KILL after `graceMs`; resolves when it has ended. */
  readonly stop: (graceMs: number) => Promise<void>;
  readonly restart: () => void;
  /** Ends it at once, for good. */
  readonly kill: () => void;
}

interface ChildOptions {
  readonly name: string;
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onEnd: (sentence: string) => void;
}

/**
 * Keeps one Node process running: a child that ends is started again, sooner or later depending on how long it
 * lived. The IPC channel tells the child when its parent is gone (kill -9 included): then it ends by itself.
 */
export function startChild({ name, script, env, onEnd }: ChildOptions): ManagedChild {
  let child: ChildProcess | null = null;
  let isStopping = false;
  let backoffMs = BACKOFF_MIN_MS;
  let timer: NodeJS.Timeout | null = null;

  const start = (): void => {
    const startedAt = Date.now();
    const current = spawn(process.execPath, ['--enable-source-maps', script], {
      env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true, // Ctrl-C in the terminal must reach the supervisor only, which stops in order
    });
    child = current;
    current.once('error', (error) => onEnd(`the ${name} process could not be started: ${error.message}`));
    current.once('exit', (code, signal) => {
      if (isStopping || child !== current) return;
      if (Date.now() - startedAt > STEADY_MS) backoffMs = BACKOFF_MIN_MS;
      onEnd(`the ${name} process ended (${signal ?? `code ${code}`}); starting it again in ${backoffMs} ms`);
      timer = setTimeout(start, backoffMs);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
    });
  };
  start();

  return {
    name,
    restart: () => {
      child?.kill('SIGTERM');
    },
    kill: () => {
      isStopping = true;
      child?.kill('SIGKILL');
    },
    stop: (graceMs) =>
      new Promise((resolve) => {
        isStopping = true;
        if (timer) clearTimeout(timer);
        const current = child;
        if (!current || current.exitCode !== null || current.signalCode !== null) return resolve();
        const kill = setTimeout(() => current.kill('SIGKILL'), graceMs);
        current.once('exit', () => {
          clearTimeout(kill);
          resolve();
        });
        current.kill('SIGTERM');
      }),
  };
}
