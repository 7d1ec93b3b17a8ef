import { prismaAdapter } from 'better-auth/adapters/prisma';
import type { PrismaClient } from '@/lib/db/generated/client';
import { toTokenHash } from '@/lib/secrets/opaque-token';

type Factory = ReturnType<typeof prismaAdapter>;
type Adapter = ReturnType<Factory>;
type Where = NonNullable<Parameters<Adapter['findOne']>[0]['where']>;
type AnyArgs = {
  model: string;
  where?: Where;
  data?: Record<string, unknown>;
  update?: Record<string, unknown>;
};

function hashWhere(where: Where): Where {
  return where.map((clause) => {
    if (clause.field !== 'token') return clause;
    const { value } = clause;
    if (typeof value === 'string') return { ...clause, value: toTokenHash(value) };
    return Array.isArray(value)
      ? { ...clause, value: value.map((token) => toTokenHash(String(token))) }
      : clause;
  });
}

/** The clear token that a call asks for, to be put back into its answer. */
function findClearToken({ where, data }: AnyArgs): string | null {
  const asked = where?.find(
    ({ field, operator }) => field === 'token' && (!operator || operator === 'eq'),
  )?.value;
  const token = asked ?? data?.['token'];
  return typeof token === 'string' ? token : null;
}

function withClearToken<T>(answer: T, token: string | null): T {
  if (token === null || typeof answer !== 'object' || answer === null || !('token' in answer)) return answer;
  return { ...answer, token };
}

/** Replaces the session's token by its hash on the way in; the caller knows the clear one and gets it back. */
function wrap(adapter: Adapter): Adapter {
  const convert = <A extends AnyArgs>(args: A): A => {
    if (args.model !== 'session') return args;
    const { where, data, update } = args;
    const hashed = (fields: Record<string, unknown>) =>
      typeof fields['token'] === 'string' ? { ...fields, token: toTokenHash(fields['token']) } : fields;
    return {
      ...args,
      ...(where && { where: hashWhere(where) }),
      ...(data && { data: hashed(data) }),
      ...(update && { update: hashed(update) }),
    };
  };
  const through = <A extends AnyArgs, R>(call: (args: A) => Promise<R>) => {
    return async (args: A): Promise<R> => {
      const answer = await call(convert(args));
      return args.model === 'session' ? withClearToken(answer, findClearToken(args)) : answer;
    };
  };
  // The library's methods are generic over the row; passing arguments through changes nothing about that.
  return {
    ...adapter,
    create: through(adapter.create as (args: AnyArgs) => Promise<unknown>) as Adapter['create'],
    findOne: through(adapter.findOne as (args: AnyArgs) => Promise<unknown>) as Adapter['findOne'],
    findMany: through(adapter.findMany as (args: AnyArgs) => Promise<unknown>) as Adapter['findMany'],
    update: through(adapter.update as (args: AnyArgs) => Promise<unknown>) as Adapter['update'],
    updateMany: through(adapter.updateMany as (args: AnyArgs) => Promise<unknown>) as Adapter['updateMany'],
    delete: through(adapter.delete as (args: AnyArgs) => Promise<unknown>) as Adapter['delete'],
    deleteMany: through(adapter.deleteMany as (args: AnyArgs) => Promise<unknown>) as Adapter['deleteMany'],
    count: through(adapter.count as (args: AnyArgs) => Promise<unknown>) as Adapter['count'],
    transaction: (work) => adapter.transaction((inner) => work(wrap(inner as Adapter))),
  };
}

/**
 * The sign-in library's Prisma adapter with sessions kept by the SHA-256 of their token (S22): whoever reads the
 * database can't sign in with what stands there.
 */
export function hashedSessionAdapter(prisma: PrismaClient): Factory {
  const factory = prismaAdapter(prisma, { provider: 'postgresql' });
  return (options) => wrap(factory(options));
}
