import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { toChildEnv } from '@/lib/env/child-env';
import { waitFor } from '@/lib/testing/wait-for';
import type { SoakWorkerInput } from './soak-worker-input';
import { startWire, type Wire } from './wire';

/** A real worker in a process of its own, with a wire of its own to PostgreSQL. */
export interface SoakWorker {
  /** Its name in leases. */
  readonly holder: string;
  readonly pid: number;
  readonly wire: Wire;
  /** What it has written on standard error: nothing, as long as nothing is wrong. */
  readonly stderr: () => string;
  /** KILL; resolves when it is gone. */
  readonly kill: () => Promise<void>;
  readonly pause: () => void;
  readonly resume: () => void;
  /** TERM, and KILL after 20 s; resolves when it is gone. */
  readonly stop: () => Promise<void>;
  readonly isAlive: () => boolean;
  /** A line for everything about this process that must not be. */
  readonly findFaults: () => string[];
}

export interface SpawnWorkerOptions {
  readonly program: string;
  readonly socketPath: string;
  readonly database: string;
  readonly holder: string;
  readonly ttlMs: number;
  /** Private seal key, PEM: for sites that the product's own planner plans. */
  readonly sealKey?: string;
  /** Its clock is wrong by that much. */
  readonly clockShiftMs?: number;
}

/** Shifts every way to ask for the time of day; what counts durations stays as it is. */
function toClockShift(shiftMs: number): string {
  const code = `const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...args) { super(...(args.length ? args : [Real.now() + ${shiftMs}])); }
      static now() { return Real.now() + ${shiftMs}; }
    };`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

async function endProcess(
  child: ChildProcess,
  exited: Promise<unknown>,
  signal: NodeJS.Signals,
): Promise<void> {
  // A stopped process hears TERM only when it goes on.
  child.kill(signal);
  if (signal !== 'SIGKILL') child.kill('SIGCONT');
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await exited;
  clearTimeout(late);
}

/** Starts a worker and waits until its program has been loaded. */
export async function spawnWorker(options: SpawnWorkerOptions): Promise<SoakWorker> {
  const { program, socketPath, database, holder, ttlMs, sealKey, clockShiftMs } = options;
  const wire = await startWire({ path: socketPath });
  const input: SoakWorkerInput = {
    databaseUrl: `postgresql://siteplan_worker@127.0.0.1:${wire.port}/${database}`,
    holder,
    ttlMs,
    ...(sealKey !== undefined && { sealKey }),
  };
  const preload = clockShiftMs === undefined ? [] : ['--import', toClockShift(clockShiftMs)];
  const child = spawn(process.execPath, [...preload, program], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: toChildEnv({ SITEPLAN_LOG_LEVEL: 'warn' }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout = (stdout + chunk).slice(-20_000);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-20_000);
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(input));
  let isMeant = false;
  const exited = once(child, 'close');
  const end = async (signal: NodeJS.Signals) => {
    isMeant = true;
    await endProcess(child, exited, signal);
    await wire.stop();
  };
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  await waitFor(() => stdout.startsWith('ready') || !isAlive(), {
    what: 'a worker to start',
    timeoutMs: 60_000,
  });
  return {
    holder,
    pid: child.pid ?? 0,
    wire,
    stderr: () => stderr,
    kill: () => end('SIGKILL'),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
    isAlive,
    findFaults: () => [
      ...(isAlive() || isMeant ? [] : [`${holder} ended by itself: ${stdout.slice(-2_000)}`]),
      ...(stderr === '' ? [] : [`${holder} said on standard error: ${stderr.slice(0, 2_000)}`]),
      ...(stdout.match(/.*unexpected error in a run.*/g) ?? []).map(
        (line) => `${holder} logged: ${line.slice(0, 2_000)}`,
      ),
    ],
  };
}
