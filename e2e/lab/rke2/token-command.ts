import { join } from 'node:path';
import type { ApiClient } from './api-client';
import { kinds } from './api-resources';
import {
  bootstrapSecretName,
  generateBootstrapToken,
  listBootstrapTokens,
  toBootstrapSecret,
} from './bootstrap-tokens';
import { hashCaFile } from './certificates';
import { accessCluster } from './cluster-access';
import { parseCommandOptions } from './command-options';
import type { CommandOptions } from './command-options';
import { parseGoDuration } from './component-flags';
import type { Layout } from './layout';
import { printTable } from './print-table';
import { parseToken } from './token';

const bootstrapForm = /^[a-z0-9]{6}\.[a-z0-9]{16}$/;
const valued = ['ttl', 'description', 'token', 't', 'new-token', 'server', 's', 'kubeconfig', 'data-dir'];

/** `rke2 token create|list|delete|generate|rotate` (facts 3.3). Throws the sentence to end with. */
export async function runToken(argv: readonly string[], layout: Layout, client: ApiClient): Promise<void> {
  const [action = '', ...more] = argv;
  const options = parseCommandOptions(more, valued);
  switch (action) {
    case 'generate':
      return void process.stdout.write(`${generateBootstrapToken()}\n`);
    case 'create':
      return create(options, layout, client);
    case 'list':
      return list(client);
    case 'delete':
      return remove(options.rest, client);
    case 'rotate':
      return rotate(options);
    default:
      throw new Error(`No help topic for 'token ${action}'`);
  }
}

/** Prints the full form, which pins the CA. */
async function create({ flags, rest }: CommandOptions, layout: Layout, client: ApiClient): Promise<void> {
  const token = rest[0] ?? generateBootstrapToken();
  if (!bootstrapForm.test(token))
    throw new Error(`the bootstrap token "${token}" was not of the form "[a-z0-9]{6}.[a-z0-9]{16}"`);
  const ttlMs = parseGoDuration(flags.get('ttl') ?? '24h');
  const [id = '', secret = ''] = token.split('.');
  const expires = ttlMs === 0 ? null : new Date(Date.now() + ttlMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const object = toBootstrapSecret({ id, secret, expires, description: flags.get('description') ?? '' });
  await client.request('POST', '/api/v1/namespaces/kube-system/secrets', object);
  process.stdout.write(`K10${hashCaFile(join(layout.tls, 'server-ca.crt'))}::${token}\n`);
}

async function list(client: ApiClient): Promise<void> {
  const rows = (await listBootstrapTokens(client)).map(({ id, secret, expires, description }) => {
    const restMs = expires === null ? 0 : Date.parse(expires) - Date.now();
    const ttl =
      expires === null ? '<forever>' : restMs <= 0 ? '<invalid>' : `${Math.ceil(restMs / 3_600_000)}h`;
    return [`${id}.${secret}`, ttl, expires ?? '<never>', 'authentication', description || '<none>'];
  });
  printTable([['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION'], ...rows]);
}

async function remove(tokens: readonly string[], client: ApiClient): Promise<void> {
  if (tokens.length === 0) throw new Error('missing argument; "token delete" is missing token');
  for (const token of tokens) {
    const id = token.split('.')[0] ?? '';
    if (!/^[a-z0-9]{6}$/.test(id)) throw new Error(`given token or token id "${token}" didn't match pattern`);
    await client.remove(kinds.secret, 'kube-system', bootstrapSecretName(id));
    process.stdout.write(`bootstrap token "${id}" deleted\n`);
  }
}

async function rotate({ flags }: CommandOptions): Promise<void> {
  const [old, fresh] = [flags.get('token') ?? flags.get('t'), flags.get('new-token')];
  if (old === undefined || fresh === undefined) throw new Error('token rotate needs --token and --new-token');
  const url = flags.get('server') ?? flags.get('s') ?? 'https://127.0.0.1:9345';
  const access = await accessCluster(url, parseToken(old), 'server');
  const body = JSON.stringify({ newToken: parseToken(fresh).password });
  await access.request('/v1-rke2/token', { method: 'PUT', body });
  process.stdout.write(
    'WARNING: Recommended to keep a record of the old token. If restoring from a snapshot, you must use the token associated with that snapshot.\n' +
      'Token rotated, restart rke2 nodes with new token\n',
  );
}
