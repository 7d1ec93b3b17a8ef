import { createApiToken } from '@/lib/services/api-tokens/create-api-token';
import { listApiTokens } from '@/lib/services/api-tokens/list-api-tokens';
import { revokeApiToken } from '@/lib/services/api-tokens/revoke-api-token';
import type { ServiceContext } from '@/lib/services/context';
import { CliError } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { optional, required } from '../command';
import { withServices } from '../local-database';
import { toTable } from '../output';
import { findPerson } from './user-commands';

/** Acts on the tokens of a person; the audit names the command line and the person. */
async function asOwner(ctx: ServiceContext, email: string): Promise<ServiceContext> {
  const { id } = await findPerson(ctx, email);
  return { ...ctx, actor: { ...ctx.actor, userId: id, email: `${ctx.actor.email} for ${email}` } };
}

async function create({ values, out }: CommandInput): Promise<void> {
  const days = Number(optional(values, 'days') ?? '90');
  if (!Number.isInteger(days)) throw new CliError('usage', '--days must be a whole number.');
  const input = { name: required(values, 'name'), role: optional(values, 'role') ?? 'viewer', days };
  const { token, view } = await withServices(async (ctx) =>
    createApiToken(await asOwner(ctx, required(values, 'user')), input),
  );
  out.note(`The token ${view.id} ends on ${view.expiresAt.slice(0, 10)}. It is shown only now:`);
  out.result({ ...view, token }, token);
}

async function list({ values, out }: CommandInput): Promise<void> {
  const tokens = await withServices(async (ctx) =>
    listApiTokens(await asOwner(ctx, required(values, 'user'))),
  );
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    token.role,
    token.revokedAt === null ? token.expiresAt.slice(0, 10) : 'revoked',
    token.lastUsedAt?.slice(0, 10) ?? 'never',
  ]);
  out.result(tokens, toTable(['ID', 'NAME', 'AT MOST', 'ENDS', 'LAST USED'], rows));
}

const USER = { value: 'EMAIL', words: 'Whose tokens.' };

export const TOKEN_COMMANDS: readonly Command[] = [
  {
    name: 'token create',
    summary: 'Makes an API token that acts as a person with at most a role, and prints it once.',
    options: {
      user: USER,
      name: { value: 'NAME', words: 'What the token is for.' },
      role: { value: 'ROLE', words: 'admin, operator or viewer (default): at most this.' },
      days: { value: 'N', words: 'How long it holds, 1 to 366; 90 unless stated.' },
    },
    details: 'The token alone goes to standard output: npm run -s cli -- token create … > FILE (umask 077).',
    run: create,
  },
  { name: 'token list', summary: 'Lists the tokens of a person.', options: { user: USER }, run: list },
  {
    name: 'token revoke',
    summary: 'Ends a token at once.',
    args: ['ID'],
    run: async ({ args: [tokenId = ''], out }) => {
      await withServices((ctx) => revokeApiToken(ctx, { tokenId }));
      out.result({ id: tokenId, revoked: true }, `The token ${tokenId} is revoked.`);
    },
  },
];
