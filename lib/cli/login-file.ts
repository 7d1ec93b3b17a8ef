import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { env } from '@/lib/env/env';
import { ApiClient, parseServerUrl, type Login } from './api-client';
import { CliError } from './cli-error';
import { optional, type OptionSpec, type Values } from './command';
import { readSecretFile } from './read-input';

const LoginFile = z.object({ url: z.string(), token: z.string() });

/** Options of every command that talks to a server. */
export const SERVER_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  url: { value: 'URL', words: 'Address of the server; that of `login` unless stated.' },
  'token-file': { value: 'FILE', words: 'File with an API token (mode 0600), or - for standard input.' },
};

function loginPath(): string {
  return join(homedir(), '.config', 'siteplan', 'login.json');
}

async function readLogin(): Promise<Login | null> {
  const path = loginPath();
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  if ((await stat(path)).mode & 0o077 && process.platform !== 'win32') {
    throw new CliError('denied', `${path} is open to other users of this machine. Set its mode to 0600.`);
  }
  try {
    return LoginFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new CliError('failed', `${path} is not what login writes. Use login again.`, { cause });
  }
}

/** Keeps address and token for later commands, for this user alone. Returns the file's path. */
export async function storeLogin(login: Login): Promise<string> {
  const path = loginPath();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, JSON.stringify(login), { mode: 0o600, flag: 'wx' });
  await rename(temporary, path);
  return path;
}

/** Forgets address and token. */
export async function dropLogin(): Promise<void> {
  await rm(loginPath(), { force: true });
}

/** The server that the options or the stored login name. Throws where there is no token. */
export async function openServer(values: Values): Promise<ApiClient> {
  const [url, file] = [optional(values, 'url'), optional(values, 'token-file')];
  const stored = file === undefined ? await readLogin() : null;
  if (file === undefined && !stored) {
    throw new CliError('denied', 'There is no token. Use login first, or --token-file FILE.');
  }
  if (stored && url !== undefined && parseServerUrl(url) !== stored.url) {
    throw new CliError(
      'usage',
      `The stored token is for ${stored.url}. Use --token-file FILE, or login there.`,
    );
  }
  const token = stored?.token ?? (await readSecretFile(file ?? '-')).trim();
  return new ApiClient({ url: parseServerUrl(url ?? stored?.url ?? env().publicUrl), token });
}
