import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { invokedFrom } from '@/lib/env/invoked-from';
import { CliError } from './cli-error';

const MAX_BYTES = 10 * 1_024 * 1_024;

/** A path as the person typed it: relative to where they stood. */
export function toPath(typed: string): string {
  return resolve(invokedFrom(), typed);
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new CliError('failed', 'Standard input holds more than 10 MiB.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Text of a file, or of standard input for `-`; at most 10 MiB. */
export async function readInput(typed: string): Promise<string> {
  if (typed === '-') return readStandardInput();
  const path = toPath(typed);
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) throw new CliError('failed', `${path} is larger than 10 MiB.`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('failed', `The file ${path} can't be read.`, { cause });
  }
}

/** A secret of several lines from a file or standard input (`-`). Refuses a file that other users may read. */
export async function readSecretText(typed: string): Promise<string> {
  if (typed !== '-' && process.platform !== 'win32') {
    const found = await stat(toPath(typed)).catch(() => null);
    if (found?.isFile() && found.mode & 0o077) {
      throw new CliError(
        'failed',
        `${toPath(typed)} is open to other users of this machine. Set its mode to 0600.`,
      );
    }
  }
  return readInput(typed);
}

/** The same for a secret of one line: the first. */
export async function readSecretFile(typed: string): Promise<string> {
  const line = (await readSecretText(typed)).split(/\r?\n/)[0] ?? '';
  if (line === '') throw new CliError('failed', `${typed === '-' ? 'Standard input' : typed} is empty.`);
  return line;
}

/** A line typed without being shown. Throws where there is no terminal to type on. */
export async function promptSecret(question: string, otherwise: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new CliError('usage', `There is no terminal to type on. Use ${otherwise}.`);
  }
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await new Promise<string>((done, refuse) => {
      lines.once('line', done);
      lines.once('SIGINT', () => refuse(new CliError('interrupted', 'Nothing was changed.')));
      lines.once('close', () => refuse(new CliError('failed', 'Nothing was typed.')));
    });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
