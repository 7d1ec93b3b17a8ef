import { z } from 'zod';
import { type CredentialInput, CredentialView } from '@/lib/access/credential-view';
import type { ApiClient } from '../api-client';
import { CliError } from '../cli-error';
import type { Command, CommandInput, Values } from '../command';
import { optional } from '../command';
import { openServer, SERVER_OPTIONS } from '../login-file';
import { toTable } from '../output';
import { promptSecret, readInput, readSecretFile, readSecretText } from '../read-input';

async function readAll(api: ApiClient): Promise<CredentialView[]> {
  return (await api.get(z.object({ credentials: z.array(CredentialView) }), '/credentials')).credentials;
}

async function list({ values, out }: CommandInput): Promise<void> {
  const credentials = await readAll(await openServer(values));
  const rows = credentials.map((each) => [
    ...[each.id, each.name, each.kind, each.publicInfo || '-', String(each.usedByNodes)],
    ...[each.createdAt.slice(0, 10), each.createdBy],
  ]);
  const headings = ['ID', 'NAME', 'KIND', 'PUBLIC KEY', 'HOSTS', 'MADE', 'BY'];
  out.result(credentials, rows.length > 0 ? toTable(headings, rows) : 'There are no credentials.');
}

const FILES = ['secret-file', 'passphrase-file', 'sudo-password-file', 'public-key-file'] as const;

/** The options of each kind; another one is a mistake that would be lost without a word. */
const FILES_OF: Readonly<Record<CredentialView['kind'], readonly (typeof FILES)[number][]>> = {
  password: ['secret-file', 'sudo-password-file'],
  key: ['secret-file', 'passphrase-file', 'sudo-password-file'],
  agent: ['public-key-file', 'sudo-password-file'],
};

function parseKind(values: Values): CredentialView['kind'] {
  const kind = CredentialView.shape.kind.safeParse(optional(values, 'kind'));
  if (!kind.success) throw new CliError('usage', '--kind must be password, key or agent.');
  const stated = FILES.filter((name) => values[name] !== undefined);
  const wrong = stated.find((name) => !FILES_OF[kind.data].includes(name));
  if (wrong) throw new CliError('usage', `--${wrong} does not go with --kind ${kind.data}.`);
  if (stated.filter((name) => values[name] === '-').length > 1)
    throw new CliError('usage', 'Standard input can be only one of the secrets.');
  return kind.data;
}

/** Reads the secret parts from files or standard input; the main one may be typed. Nothing of them is printed. */
async function readCredential(values: Values, name: string): Promise<CredentialInput> {
  const kind = parseKind(values);
  const file = optional(values, 'secret-file');
  const line = async (option: string) => {
    const typed = optional(values, option);
    return typed === undefined ? undefined : readSecretFile(typed);
  };
  const sudo = await line('sudo-password-file');
  const sudoPassword = sudo !== undefined && { sudoPassword: sudo };
  if (kind === 'password') {
    const otherwise = '--secret-file FILE, or - for standard input';
    const password =
      file === undefined ? await promptSecret('Password: ', otherwise) : await readSecretFile(file);
    return { kind, name, password, ...sudoPassword };
  }
  if (kind === 'key') {
    if (file === undefined) throw new CliError('usage', '--secret-file is missing: the private key.');
    const passphrase = await line('passphrase-file');
    const privateKey = await readSecretText(file);
    return { kind, name, privateKey, ...(passphrase !== undefined && { passphrase }), ...sudoPassword };
  }
  const path = optional(values, 'public-key-file');
  const publicKey = path === undefined ? undefined : (await readInput(path)).trim();
  return { kind, name, ...(publicKey !== undefined && { publicKey }), ...sudoPassword };
}

async function create({ args: [name = ''], values, out }: CommandInput): Promise<void> {
  const json = await readCredential(values, name);
  const api = await openServer(values);
  const made = await api.get(CredentialView, '/credentials', { method: 'POST', json });
  const key = made.publicInfo ? `, ${made.publicInfo}` : '';
  out.result(made, `The credential ${made.name} is ${made.id}${key}.`);
}

async function remove({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const found = (await readAll(api)).find(({ id, name }) => id === wanted || name === wanted);
  if (!found) {
    const message = `There is no credential ${wanted}, or you may not use it. See: credential list.`;
    throw new CliError('failed', message);
  }
  await api.send(`/credentials/${encodeURIComponent(found.id)}`, { method: 'DELETE' });
  out.result({ id: found.id, removed: true }, `The credential ${found.name} is removed.`);
}

export const CREDENTIAL_COMMANDS: readonly Command[] = [
  {
    name: 'credential list',
    summary: 'Lists the credentials that you may use, never a secret.',
    options: SERVER_OPTIONS,
    run: list,
  },
  {
    name: 'credential create',
    summary: 'Stores a way to sign in on hosts; nobody reads its secret parts back.',
    args: ['NAME'],
    options: {
      ...SERVER_OPTIONS,
      kind: { value: 'KIND', words: 'password, key, or agent (the ssh-agent of the workers).' },
      'secret-file': { value: 'FILE', words: 'The password, or the private key.' },
      'passphrase-file': { value: 'FILE', words: 'Of the private key.' },
      'sudo-password-file': { value: 'FILE', words: 'For sudo, where it is another than the password.' },
      'public-key-file': { value: 'FILE', words: 'The one key of the agent to use.' },
    },
    details:
      'Secrets come from files (mode 0600) or one of them from standard input (-), never from the command line.\n' +
      'A password without --secret-file is typed.',
    run: create,
  },
  {
    name: 'credential remove',
    summary: 'Deletes a credential that no host uses.',
    args: ['CREDENTIAL'],
    options: SERVER_OPTIONS,
    run: remove,
  },
];
