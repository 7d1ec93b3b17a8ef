import { z } from 'zod';
import { SiteSecretField, SiteSecretView } from '@/lib/render/site-secret';
import { CliError } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { optional } from '../command';
import { openServer, SERVER_OPTIONS } from '../login-file';
import { toTable } from '../output';
import { promptSecret, readSecretFile } from '../read-input';
import { findSite } from './site-commands';

const FIELDS = SiteSecretField.options.join(' or ');

function parseField(typed: string): SiteSecretField {
  const field = SiteSecretField.safeParse(typed);
  if (!field.success) throw new CliError('usage', `FIELD must be ${FIELDS}.`);
  return field.data;
}

async function list({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const { secrets } = await api.get(z.object({ secrets: z.array(SiteSecretView) }), `/sites/${id}/secrets`);
  const rows = secrets.map(({ field, version, setAt, setBy }) => [
    ...[field, String(version ?? '-'), setAt?.slice(0, 10) ?? '-', setBy ?? '-'],
  ]);
  out.result(secrets, toTable(['FIELD', 'VERSION', 'SET', 'BY'], rows));
}

async function set({ args: [wanted = '', typed = ''], values, out }: CommandInput): Promise<void> {
  const field = parseField(typed);
  const file = optional(values, 'secret-file');
  const otherwise = '--secret-file FILE, or - for standard input';
  const value = file === undefined ? await promptSecret(`${field}: `, otherwise) : await readSecretFile(file);
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const json = { value };
  const view = await api.get(SiteSecretView, `/sites/${id}/secrets/${field}`, { method: 'PUT', json });
  const words = `The ${field} of ${wanted} is stored, version ${view.version}. The servers get it with the next plan.`;
  out.result(view, words);
}

async function remove({ args: [wanted = '', typed = ''], values, out }: CommandInput): Promise<void> {
  const field = parseField(typed);
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  await api.send(`/sites/${id}/secrets/${field}`, { method: 'DELETE' });
  const words = `The ${field} of ${wanted} is removed. The next plan takes it off the servers.`;
  out.result({ field, removed: true }, words);
}

export const SITE_SECRET_COMMANDS: readonly Command[] = [
  {
    name: 'site secret list',
    summary: 'Lists which keys of a site are set, never a value.',
    args: ['SITE'],
    options: SERVER_OPTIONS,
    run: list,
  },
  {
    name: 'site secret set',
    summary: 'Stores or replaces a key of the S3 store; nobody reads it back.',
    args: ['SITE', 'FIELD'],
    options: {
      ...SERVER_OPTIONS,
      'secret-file': { value: 'FILE', words: 'The key, in the first line; - is standard input.' },
    },
    details:
      `FIELD is ${FIELDS}. The key comes from a file (mode 0600) or standard input, never from the command line;\n` +
      'without --secret-file it is typed. The site must have an S3 store; its servers get the key with the next plan.',
    run: set,
  },
  {
    name: 'site secret remove',
    summary: 'Removes a key of the S3 store.',
    args: ['SITE', 'FIELD'],
    options: SERVER_OPTIONS,
    details: `FIELD is ${FIELDS}. The next plan takes it off the servers.`,
    run: remove,
  },
];
