import { spawnSync } from 'node:child_process';

export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a constant POSIX script in a network namespace of its own, which goes with it: rules, queues and addresses set
 * there are nobody else's. `args` are its `$1`, `$2` and so on. Without root it runs in a user namespace too.
 */
export function runInNetworkNamespace(script: string, args: readonly string[] = []): ProgramResult {
  const isRoot = process.getuid?.() === 0;
  return runProgram('unshare', [isRoot ? '-n' : '-rn', 'sh', '-c', script, 'sh', ...args]);
}

/** Runs a program to its end; a missing program throws, so that no test passes without it. */
export function runProgram(program: string, args: readonly string[]): ProgramResult {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
  if (error) throw error;
  return { status, stdout, stderr };
}
