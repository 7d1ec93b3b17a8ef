import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { sha256Hex } from '@/lib/core/hash';
import { toShellAssignments } from '@/lib/core/shell-quote';
import type { StepKind } from '@/lib/steps/step-kind';

/** A shell of the kind that a host may have, as a command line. */
export type Shell = readonly [string, ...string[]];

/** The shells on this machine: `sh` and `bash` always, busybox where it is installed. */
export function findShells(): Shell[] {
  const hasBusybox = spawnSync('busybox', ['true'], { stdio: 'ignore' }).error === undefined;
  return [['sh'], ['bash', '--posix'], ...(hasBusybox ? [['busybox', 'sh'] as const] : [])];
}

export interface ScriptResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs constant script text with variables before it, as `SHELL -c` in `cwd`, standard input being `input`. */
export async function runScript(
  shell: Shell,
  script: string,
  variables: Readonly<Record<string, string>>,
  options: { cwd: string; input?: string },
): Promise<ScriptResult> {
  const [program, ...args] = shell;
  const child = spawn(program, [...args, '-c', `${toShellAssignments(variables)}${script}`], {
    cwd: options.cwd,
  });
  child.stdin.on('error', () => undefined); // a script that ends before it has read everything
  child.stdin.end(options.input ?? '');
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>, // the documented arguments of this event
  ]);
  return { code, stdout, stderr };
}

/** Probe, act or verify of one step on this machine below and in `root`, the way the engine runs them on a host. */
export function runStepPart(
  kind: StepKind,
  part: 'probe' | 'act' | 'verify',
  options: {
    shell: Shell;
    root: string;
    params: unknown;
    overrides?: Readonly<Record<string, string>>;
    payload?: string;
  },
): Promise<ScriptResult> {
  const payload = options.payload ?? kind.toPayload(options.params);
  const variables = {
    ...kind.toVariables(options.params),
    ...(payload === null ? {} : { payload_sha256: sha256Hex(payload) }),
    root: options.root,
    ...options.overrides,
  };
  const input = part === 'act' ? (payload ?? '') : '';
  return runScript(options.shell, kind[part], variables, { cwd: options.root, input });
}
