import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toChildEnv } from '@/lib/env/child-env';
import { findFreePort } from './find-free-port';
import { waitFor } from './wait-for';

/** A real `npm start`, with a data directory and a port of its own. */
export interface SiteplanProcess {
  readonly url: string;
  readonly dataDir: string;
  /** Everything printed so far. */
  readonly output: () => string;
  /** One-time set-up link, once printed. */
  readonly setupUrl: () => string | null;
  /** Pids of the processes that belong to it: supervisor, web, worker, database. */
  readonly pids: () => SiteplanPids;
  /** TERM to the supervisor; resolves with its exit code. */
  readonly stop: () => Promise<number | null>;
  /** KILL to all of them at once. */
  readonly killAll: () => Promise<void>;
  readonly exitCode: () => number | null;
}

export interface SiteplanPids {
  readonly supervisor: number;
  readonly web: number | null;
  readonly worker: number | null;
  readonly postgres: number | null;
}

/** A directory below the system's temporary one that every user may pass, as the data directory wants it under root. */
export function makeDataDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'siteplan-data-'));
  chmodSync(dir, 0o711);
  return dir;
}

export function removeDataDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All processes that can be read in /proc. */
export function listProcesses(): ProcessEntry[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      return [{ pid: Number(name), parent, command }];
    } catch {
      return []; // it ended meanwhile
    }
  });
}

function findPids(supervisor: number, dataDir: string): SiteplanPids {
  const processes = listProcesses();
  const child = (part: string) =>
    processes.find(({ parent, command }) => parent === supervisor && command.includes(part))?.pid ?? null;
  const postgres = processes.find(({ command }) => command.includes(`-D ${dataDir}/postgres`))?.pid ?? null;
  return { supervisor, web: child('/web.mjs'), worker: child('/worker.mjs'), postgres };
}

function isAlive(pid: number): boolean {
  return listProcesses().some((entry) => entry.pid === pid && entry.command !== '');
}

/** Starts Siteplan from this repository; use `waitUntilReady` before talking to it. */
export async function startSiteplan(options: {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** Run as this user (by `setpriv`), from `cwd`. */
  readonly asUser?: { readonly uid: number; readonly gid: number };
  readonly cwd?: string;
}): Promise<SiteplanProcess> {
  const port = options.port ?? (await findFreePort());
  const cwd = options.cwd ?? process.cwd();
  const child: ChildProcess = spawn(process.execPath, ['lib/supervisor/bootstrap.mjs', 'start'], {
    cwd,
    env: toChildEnv({
      PORT: String(port),
      HOST: '127.0.0.1',
      SITEPLAN_DATA_DIR: options.dataDir,
      ...options.env,
    }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.asUser ?? {}),
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString('utf8');
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const supervisor = child.pid ?? 0;
  return {
    url: `http://127.0.0.1:${port}`,
    dataDir: options.dataDir,
    output: () => output,
    setupUrl: () => /(http\S+\/setup\?token=\S+)/.exec(output)?.[1] ?? null,
    pids: () => findPids(supervisor, options.dataDir),
    exitCode: () => child.exitCode,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      return exited;
    },
    killAll: async () => {
      const pids = Object.values(findPids(supervisor, options.dataDir)).filter(
        (pid): pid is number => pid !== null,
      );
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // it ended by itself
        }
      }
      await waitFor(() => pids.every((pid) => !isAlive(pid)), { what: 'the killed processes to be gone' });
    },
  };
}

/** Waits for the line that says ready; fails at once, with the output, when the start ended. */
export async function waitUntilReady(siteplan: SiteplanProcess, timeoutMs = 300_000): Promise<void> {
  await waitFor(
    () => {
      if (siteplan.exitCode() !== null) return true;
      return siteplan.output().includes('ready on ');
    },
    { what: `Siteplan to be ready; it said: ${siteplan.output()}`, timeoutMs },
  );
  if (siteplan.exitCode() !== null) throw new Error(`Siteplan ended: ${siteplan.output()}`);
}
