import { spawnSync } from 'node:child_process';
import { runCommand } from '@/e2e/lab/command';

export interface MeasuredCommand {
  readonly wallMs: number;
  /** User and system time of the program and of all that it has waited for. */
  readonly cpuMs: number;
}

/** `0m1.250s 0m0.040s`, as a POSIX shell's `times` prints it, in milliseconds. */
export function parseTimesLine(line: string): number {
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)];
  if (parts.length !== 2) throw new Error(`not a line of times: ${line}`);
  return parts.reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000,
    0,
  );
}

/** Runs the program, its output into `outputPath`. Rejects with the end of that output where it fails. */
export async function runMeasured(
  argv: readonly string[],
  options: { readonly outputPath: string; readonly timeoutMs: number },
): Promise<MeasuredCommand> {
  const script = 'out=$1; shift; "$@" >"$out" 2>"$out.err" </dev/null; code=$?; times; exit "$code"';
  const startedMs = performance.now();
  const result = await runCommand(['sh', '-c', script, 'sh', options.outputPath, ...argv], {
    timeoutMs: options.timeoutMs,
  });
  const wallMs = performance.now() - startedMs;
  if (result.code !== 0) {
    const tail = await runCommand(['tail', '-c', '3000', options.outputPath, `${options.outputPath}.err`]);
    throw new Error(`${argv.join(' ')} ended with ${result.code}: ${tail.stdout}`);
  }
  // The second line is the children's.
  return { wallMs, cpuMs: parseTimesLine(result.stdout.trim().split('\n')[1] ?? '') };
}

/** The first of these programs that is not there, or null. */
export function findMissingProgram(programs: readonly (readonly [string, ...string[]])[]): string | null {
  for (const [program, ...args] of programs) {
    if (spawnSync(program, args, { stdio: 'ignore' }).error) return program;
  }
  return null;
}
