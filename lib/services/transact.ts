import { appendAudit } from '@/lib/db/audit';
import { recordChange } from '@/lib/db/change-feed';
import { toQueryable } from '@/lib/db/connect';
import type { Queryable } from '@/lib/db/connect';
import type { Prisma } from '@/lib/db/generated/client';
import { retryCollisions } from '@/lib/db/retry-collisions';
import type { ServiceContext } from './context';

/** Kinds of things whose changes the change feed tells. */
export type ChangeTopic =
  'site' | 'site-now' | 'topology' | 'host-key' | 'credential' | 'job' | 'plan' | 'run' | 'user';

/** A mutation under way. */
export interface Transaction {
  readonly prisma: Prisma.TransactionClient;
  /** The same transaction for our own SQL. */
  readonly sql: Queryable;
  /** Every mutation writes exactly one row; `detail` lists what may be known, never a secret. */
  readonly audit: (
    action: string,
    object: string,
    detail?: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
  readonly changed: (topic: ChangeTopic, key: string) => Promise<void>;
}

/**
 * Runs a mutation: all or nothing, and nothing without its audit row (S27). A work that writes no row or more than one is
 * a bug of ours and is rolled back. One that PostgreSQL rolled back in favour of another is done again, so `work` must
 * bear being repeated: all that it does is in the transaction.
 */
export async function transact<T>(ctx: ServiceContext, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return retryCollisions(() => transactOnce(ctx, work));
}

async function transactOnce<T>(ctx: ServiceContext, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return ctx.db.prisma.$transaction(
    async (prisma) => {
      const sql = toQueryable(prisma);
      let rows = 0;
      const value = await work({
        prisma,
        sql,
        audit: async (action, object, detail = {}) => {
          rows += 1;
          const { email, via, ip, requestId } = ctx.actor;
          await appendAudit(sql, ctx.keys.audit, {
            actor: via === 'token' ? `${email} (token ${ctx.actor.credentialId})` : email,
            action,
            object,
            ip,
            requestId,
            detail,
          });
        },
        changed: (topic, key) => recordChange(sql, topic, key),
      });
      if (rows !== 1) throw new Error(`a mutation wrote ${rows} audit rows`);
      return value;
    },
    { timeout: 20_000, maxWait: 10_000 },
  );
}

/** True when a unique column already holds the value (Prisma P2002). */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'P2002';
}
