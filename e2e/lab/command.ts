import { spawn } from 'node:child_process';

/** What a command left behind: exit code (null: ended by a signal) and its whole output as text. */
export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** Written to standard input, which is then closed. Nothing: standard input is empty. */
  input?: string;
  /** The command is killed after this long; default 60 s. */
  timeoutMs?: number;
}

/**
 * Runs one program without a shell and waits for it. A program that is missing or runs into its time limit rejects
 * with a sentence that names it; any exit code resolves.
 */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program, ...args] = argv;
  if (program === undefined) return Promise.reject(new Error('an empty command'));
  const timeoutMs = options.timeoutMs ?? 60_000;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new Error(`${program} is not installed`) : error);
    });
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL' && child.killed)
        reject(new Error(`${argv.join(' ')} took longer than ${timeoutMs} ms`));
      else resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
    // A program may end without reading its input; its exit code says what matters.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Like runCommand, but a non-zero exit rejects with the end of what the program said. Returns standard output. */
export async function runOrThrow(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.code !== 0) {
    const said = `${result.stdout}\n${result.stderr}`.trim().slice(-2000);
    throw new Error(`${argv.join(' ')} ended with ${result.code ?? 'a signal'}: ${said}`);
  }
  return result.stdout;
}
