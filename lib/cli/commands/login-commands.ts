import { z } from 'zod';
import { env } from '@/lib/env/env';
import { ApiClient, parseServerUrl } from '../api-client';
import type { Command, CommandInput } from '../command';
import { optional } from '../command';
import { dropLogin, SERVER_OPTIONS, storeLogin } from '../login-file';
import { promptSecret, readSecretFile } from '../read-input';

async function login({ values, out }: CommandInput): Promise<void> {
  const file = optional(values, 'token-file');
  const url = parseServerUrl(optional(values, 'url') ?? env().publicUrl);
  const otherwise = '--token-file FILE, or - for standard input';
  const token =
    file === undefined ? await promptSecret(`Token for ${url}: `, otherwise) : await readSecretFile(file);
  const account = { url, token: token.trim() };
  const { sites } = await new ApiClient(account).get(z.object({ sites: z.array(z.unknown()) }), '/sites');
  const path = await storeLogin(account);
  out.result(
    { url, path },
    `Commands go to ${url} now, where you see ${sites.length} sites. The token is kept in ${path}.`,
  );
}

export const LOGIN_COMMANDS: readonly Command[] = [
  {
    name: 'login',
    summary: 'Tries a token on a server and keeps both for later commands.',
    options: SERVER_OPTIONS,
    details:
      'The token is typed, or read from --token-file. A server with a CA of its own: set NODE_EXTRA_CA_CERTS.',
    run: login,
  },
  {
    name: 'logout',
    summary: 'Forgets what login kept; the token itself holds until it is revoked.',
    run: async ({ out }) => {
      await dropLogin();
      out.result({}, 'The token is forgotten here.');
    },
  },
];
