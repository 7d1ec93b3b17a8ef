import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toChildEnv } from '@/lib/env/child-env';
import { buildProgram } from './build-program';

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRig {
  /** A directory for files of the test; HOME and working directory of the commands. */
  readonly dir: string;
  /** Runs a command to its end; `input` goes to its standard input. */
  readonly run: (
    words: readonly string[],
    options?: { input?: string; env?: Record<string, string> },
  ) => Promise<CliEnd>;
  /** Starts a command and lets it run. */
  readonly start: (words: readonly string[]) => {
    child: ChildProcess;
    end: Promise<CliEnd>;
    stdout: () => string;
  };
  readonly file: (name: string, content: string, mode?: number) => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** The real command line as a program of its own, with `env` and nothing of this machine's installation. */
export async function createCliRig(env: Readonly<Record<string, string>>): Promise<CliRig> {
  const program = await buildProgram('lib/cli/cli-main.ts');
  const entry = join(dirname(program.path), 'run.mjs');
  await writeFile(entry, "import { main } from './program.mjs';\nawait main(process.argv.slice(2));\n");
  const dir = await mkdtemp(join(tmpdir(), 'siteplan-cli-'));
  const toEnv = (more: Readonly<Record<string, string>> = {}) =>
    toChildEnv({ HOME: dir, INIT_CWD: dir, SITEPLAN_DATA_DIR: dir, ...env, ...more });
  return {
    dir,
    run: (words, options = {}) =>
      new Promise((resolve) => {
        const child = execFile(
          process.execPath,
          [entry, ...words],
          { env: toEnv(options.env), maxBuffer: 64 * 1_024 * 1_024 },
          (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
        );
        child.stdin?.end(options.input ?? '');
      }),
    start: (words) => {
      const child = spawn(process.execPath, [entry, ...words], {
        env: toEnv(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
      const end = new Promise<CliEnd>((resolve) =>
        child.once('close', (code) => resolve({ code, stdout, stderr })),
      );
      return { child, end, stdout: () => stdout };
    },
    file: async (name, content, mode = 0o600) => {
      await writeFile(join(dir, name), content, { mode });
      return name;
    },
    stop: async () => {
      await program.remove();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
