import { INVITE_PREFIX } from '@/lib/access/invite';
import { UserRole } from '@/lib/access/permission';
import type { UserView } from '@/lib/access/user-view';
import { setPassword } from '@/lib/auth/accounts';
import { SiteId } from '@/lib/core/ids';
import { env } from '@/lib/env/env';
import type { ServiceContext } from '@/lib/services/context';
import { createUser } from '@/lib/services/users/create-user';
import { listUsers } from '@/lib/services/users/list-users';
import { resetUser } from '@/lib/services/users/reset-user';
import { setUserDisabled } from '@/lib/services/users/set-user-disabled';
import { CliError } from '../cli-error';
import type { Command, CommandInput, OptionSpec, Values } from '../command';
import { optional } from '../command';
import { withServices } from '../local-database';
import { toTable } from '../output';
import { promptSecret, readSecretFile } from '../read-input';

const PASSWORD_FILE: OptionSpec = {
  value: 'FILE',
  words: 'First line of FILE (mode 0600), or of standard input for -, becomes the password.',
};

function toLink(path: string): string {
  return `${env().publicUrl}${path}`;
}

/** The person with this e-mail address. Throws for one that nobody has. */
export async function findPerson(ctx: ServiceContext, email: string): Promise<UserView> {
  const found = (await listUsers(ctx)).find((user) => user.email === email.trim().toLowerCase());
  if (!found) throw new CliError('failed', `Nobody has the address ${email}. See: user list.`);
  return found;
}

function parseRole(values: Values): UserRole {
  const role = UserRole.safeParse(optional(values, 'role') ?? 'viewer');
  if (!role.success) throw new CliError('usage', '--role must be admin, operator or viewer.');
  return role.data;
}

function parseSite(values: Values): SiteId | null {
  const given = optional(values, 'site');
  if (given === undefined) return null;
  const site = SiteId.safeParse(given);
  if (!site.success) throw new CliError('usage', '--site wants the id of a site. See: site list.');
  return site.data;
}

async function typeTwice(): Promise<string> {
  const otherwise = '--password-file FILE, or - for standard input';
  const first = await promptSecret('New password: ', otherwise);
  if ((await promptSecret('The same again: ', otherwise)) !== first) {
    throw new CliError('failed', 'The two passwords differ. Nothing was changed.');
  }
  return first;
}

async function storePassword(ctx: ServiceContext, userId: string, password: string): Promise<void> {
  await setPassword({ db: ctx.db, auditKey: ctx.keys.audit, by: ctx.actor }, { userId, password });
}

async function create({ args: [email = ''], values, out }: CommandInput): Promise<void> {
  const role = parseRole(values);
  const grants = [{ siteId: parseSite(values), role }];
  const file = optional(values, 'password-file');
  const password = file === undefined ? null : await readSecretFile(file);
  await withServices(async (ctx) => {
    const { userId, link } = await createUser(ctx, {
      email,
      name: optional(values, 'name') ?? email,
      grants,
    });
    if (password === null) {
      const url = toLink(link);
      return out.result(
        { userId, link: url },
        `${email} sets a password here, once, within 72 hours:\n${url}`,
      );
    }
    // The invitation is of no use beside a password that is known.
    await storePassword(ctx, userId, password).catch((error: unknown) => {
      out.note(`${email} has an account without a password now; use: user reset-password ${email}`);
      throw error;
    });
    await ctx.db.prisma.verification.deleteMany({ where: { identifier: INVITE_PREFIX + userId } });
    return out.result({ userId }, `${email} can sign in as ${role}.`);
  });
}

async function list({ out }: CommandInput): Promise<void> {
  const users = await withServices(listUsers);
  const rows = users.map((user) => [
    user.email,
    user.name,
    user.grants
      .map(({ role, siteName }) => (siteName === null ? role : `${role} of ${siteName}`))
      .join(', ') || '-',
    user.disabled ? 'disabled' : user.hasPassword ? 'active' : 'invited',
    user.twoFactor ? 'yes' : 'no',
  ]);
  out.result(users, toTable(['E-MAIL', 'NAME', 'ROLES', 'STATE', 'SECOND FACTOR'], rows));
}

async function resetPassword({ args: [email = ''], values, out }: CommandInput): Promise<void> {
  const file = optional(values, 'password-file');
  if (values['link'] === true) {
    return withServices(async (ctx) => {
      const { link } = await resetUser(ctx, { userId: (await findPerson(ctx, email)).id });
      const url = toLink(link);
      out.result({ link: url }, `${email} sets a new password here, once, within 72 hours:\n${url}`);
    });
  }
  const password = file === undefined ? await typeTwice() : await readSecretFile(file);
  return withServices(async (ctx) => {
    const { id } = await findPerson(ctx, email);
    await storePassword(ctx, id, password);
    out.result({ userId: id }, `${email} has a new password; all sessions of ${email} ended.`);
  });
}

async function setDisabled(input: CommandInput, disabled: boolean): Promise<void> {
  const [email = ''] = input.args;
  await withServices(async (ctx) => {
    const view = await setUserDisabled(ctx, { userId: (await findPerson(ctx, email)).id, disabled });
    input.out.result(view, disabled ? `${email} is shut out.` : `${email} may sign in again.`);
  });
}

export const USER_COMMANDS: readonly Command[] = [
  {
    name: 'user create',
    summary: 'Adds a person and prints a one-time link by which they set their password.',
    args: ['EMAIL'],
    options: {
      name: { value: 'NAME', words: 'What the person is called; the address unless stated.' },
      role: { value: 'ROLE', words: 'admin, operator or viewer (default).' },
      site: { value: 'ID', words: 'For this site only; all sites unless stated.' },
      'password-file': PASSWORD_FILE,
    },
    run: create,
  },
  { name: 'user list', summary: 'Lists everybody with an account.', run: list },
  {
    name: 'user reset-password',
    summary: 'Sets a new password, typed or from a file; all sessions of the person end.',
    args: ['EMAIL'],
    options: {
      'password-file': PASSWORD_FILE,
      link: { words: 'Take password, second factor and tokens away and print a one-time link instead.' },
    },
    run: resetPassword,
  },
  {
    name: 'user disable',
    summary: 'Shuts a person out: sessions and tokens end at once.',
    args: ['EMAIL'],
    run: (input) => setDisabled(input, true),
  },
  {
    name: 'user enable',
    summary: 'Lets a disabled person in again.',
    args: ['EMAIL'],
    run: (input) => setDisabled(input, false),
  },
];
