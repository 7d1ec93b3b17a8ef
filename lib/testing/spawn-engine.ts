import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import type { EngineChildInput } from './engine-child-input';

export interface EngineProcess {
  readonly child: ChildProcess;
  /** How it ended: exit code (null after a signal), the end state it printed, what went wrong. */
  readonly ended: Promise<{ code: number | null; state: string; stderr: string }>;
}

export interface EngineProcesses {
  readonly spawn: (input: EngineChildInput) => EngineProcess;
  /** Kills what is left of them, stopped ones too, and removes the program. */
  readonly remove: () => Promise<void>;
}

/** Builds the engine as a process of its own, which tests may kill, stop and race. Call `remove` in afterAll. */
export async function buildEngineProcess(): Promise<EngineProcesses> {
  const dir = join(process.cwd(), '.build', `engine-${process.pid}`);
  await mkdir(dir, { recursive: true });
  const outfile = join(dir, 'engine-child.mjs');
  await build({
    entryPoints: [join(process.cwd(), 'lib/testing/engine-child.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    alias: { '@': process.cwd() },
    outfile,
    logLevel: 'error',
  });
  const children = new Set<ChildProcess>();
  return {
    spawn: (input) => {
      const child = spawn(process.execPath, [outfile], { stdio: ['pipe', 'pipe', 'pipe'] });
      children.add(child);
      child.once('exit', () => children.delete(child));
      child.stdin.on('error', () => undefined);
      child.stdin.end(JSON.stringify(input));
      const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(
        ([, state, stderr]) => ({ code: child.exitCode, state, stderr }),
      );
      return { child, ended };
    },
    remove: async () => {
      for (const child of children) child.kill('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}
