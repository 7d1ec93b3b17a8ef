import { randomBytes } from 'node:crypto';
import { hashPassword, verifyPassword } from 'better-auth/crypto';
import type { Actor } from '@/lib/access/grant';
import { Email, Password, PersonName } from '@/lib/access/user-view';
import { AppError } from '@/lib/core/errors';
import { toOpaqueId } from '@/lib/core/ids';
import { appendAudit } from '@/lib/db/audit';
import { toQueryable } from '@/lib/db/connect';
import type { Database } from '@/lib/db/connect';
import type { Prisma } from '@/lib/db/generated/client';
import { LOCKS } from '@/lib/db/locks';
import { retryCollisions } from '@/lib/db/retry-collisions';
import { createOpaqueToken, toTokenHash } from '@/lib/secrets/opaque-token';

/*
 * Accounts without Next: the supervisor and the command line use these too.
 */

export interface AccountContext {
  readonly db: Database;
  readonly auditKey: Buffer;
  /** Who is named in the audit: a person's e-mail, or the program. */
  readonly by: Pick<Actor, 'email' | 'ip' | 'requestId'>;
}

type Tx = Prisma.TransactionClient;

function newId(prefix: string): string {
  return toOpaqueId(prefix, randomBytes(12));
}

/** One transaction, done again where it only met another; so `work` does nothing but what is in it. */
function inTransaction<T>({ prisma }: Database, work: (tx: Tx) => Promise<T>): Promise<T> {
  return retryCollisions(() => prisma.$transaction(work));
}

async function audit(
  ctx: AccountContext,
  tx: Tx,
  action: string,
  object: string,
  detail: object = {},
): Promise<void> {
  const { email: actor, ip, requestId } = ctx.by;
  await appendAudit(toQueryable(tx), ctx.auditKey, {
    actor,
    action,
    object,
    ip,
    requestId,
    detail: { ...detail },
  });
}

async function storePassword(tx: Tx, userId: string, hash: string): Promise<void> {
  const updated = await tx.account.updateMany({
    where: { userId, providerId: 'credential' },
    data: { password: hash },
  });
  if (updated.count > 0) return;
  await tx.account.create({
    data: { id: newId('a'), userId, accountId: userId, providerId: 'credential', password: hash },
    select: { id: true },
  });
}

function parsePerson(input: { email: string; name: string; password: string }) {
  const fields: Record<string, string> = {};
  const [email, name, password] = [
    Email.safeParse(input.email),
    PersonName.safeParse(input.name),
    Password.safeParse(input.password),
  ];
  if (!email.success) fields['email'] = email.error.issues[0]?.message ?? 'not valid';
  if (!name.success) fields['name'] = name.error.issues[0]?.message ?? 'not valid';
  if (!password.success) fields['password'] = password.error.issues[0]?.message ?? 'not valid';
  if (!email.success || !name.success || !password.success) {
    const [first] = Object.entries(fields);
    throw new AppError('invalid', `${first?.[0] ?? 'input'}: ${first?.[1] ?? 'not valid'}.`, { fields });
  }
  return { email: email.data, name: name.data, password: password.data };
}

/**
 * Creates the first person, administrator of everything. Throws `conflict` when anybody has an account, `invalid`
 * for bad values. `consume` runs in the same transaction and may refuse (the set-up link's own use).
 */
export async function createFirstAdmin(
  ctx: AccountContext,
  input: { email: string; name: string; password: string },
  consume: (tx: Tx) => Promise<void> = () => Promise.resolve(),
): Promise<{ userId: string; email: string }> {
  const { email, name, password } = parsePerson(input);
  const hash = await hashPassword(password);
  return inTransaction(ctx.db, async (tx) => {
    await toQueryable(tx).query('SELECT pg_advisory_xact_lock($1)::text', [LOCKS.firstUser]);
    if ((await tx.user.count()) > 0)
      throw new AppError(
        'conflict',
        'There is an administrator already. Sign in, or ask them for an invitation.',
      );
    await consume(tx);
    const userId = newId('u');
    await tx.user.create({ data: { id: userId, email, name, emailVerified: true }, select: { id: true } });
    await storePassword(tx, userId, hash);
    await tx.grant.create({
      data: { id: newId('g'), userId, siteId: null, role: 'admin' },
      select: { id: true },
    });
    await tx.setupLink.deleteMany({ where: { usedAt: null } });
    await audit(
      { ...ctx, by: { ...ctx.by, email: ctx.by.email || email } },
      tx,
      'user.create-first',
      userId,
      { email },
    );
    return { userId, email };
  });
}

/**
 * A one-time token for creating the first administrator, or null when somebody has an account already. Earlier unused
 * ones end. Only the hash is stored.
 */
export async function createSetupLink(db: Database): Promise<string | null> {
  return inTransaction(db, async (tx) => {
    await toQueryable(tx).query('SELECT pg_advisory_xact_lock($1)::text', [LOCKS.firstUser]);
    if ((await tx.user.count()) > 0) return null;
    await tx.setupLink.deleteMany({ where: { usedAt: null } });
    const token = createOpaqueToken();
    await tx.setupLink.create({
      data: { id: newId('l'), tokenHash: toTokenHash(token) },
      select: { id: true },
    });
    return token;
  });
}

/**
 * Sets a person's password, whoever asks must have been authorised. All their sessions end, except `keepSessionId`.
 * `consume` runs in the same transaction and may refuse.
 */
export async function setPassword(
  ctx: AccountContext,
  input: { userId: string; name?: string; password: string; keepSessionId?: string },
  consume: (tx: Tx) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { userId, name, keepSessionId } = input;
  const password = Password.safeParse(input.password);
  if (!password.success) {
    const message = password.error.issues[0]?.message ?? 'not valid';
    throw new AppError('invalid', `password: ${message}.`, { fields: { password: message } });
  }
  const hash = await hashPassword(password.data);
  await inTransaction(ctx.db, async (tx) => {
    await consume(tx);
    await storePassword(tx, userId, hash);
    if (name)
      await tx.user.update({
        where: { id: userId },
        data: { name: PersonName.parse(name) },
        select: { id: true },
      });
    await tx.session.deleteMany({ where: { userId, ...(keepSessionId && { id: { not: keepSessionId } }) } });
    await audit(ctx, tx, 'user.password', userId);
  });
}

/** True when `password` is the present one of a person who has one. */
export async function isPassword(db: Database, userId: string, password: string): Promise<boolean> {
  const account = await db.prisma.account.findFirst({
    where: { userId, providerId: 'credential' },
    select: { password: true },
  });
  return account?.password ? verifyPassword({ hash: account.password, password }) : false;
}

/** Writes an audit row of its own, for sign-ins and sign-outs, which change nothing else of ours. */
export async function auditAccount(
  ctx: AccountContext,
  action: string,
  object: string,
  detail: object = {},
): Promise<void> {
  await inTransaction(ctx.db, (tx) => audit(ctx, tx, action, object, detail));
}
