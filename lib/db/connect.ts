import { PrismaPg } from '@prisma/adapter-pg';
import { Pool, type PoolClient, type QueryResultRow } from 'pg';
import { isUnanswered } from './errors';
import { PrismaClient } from './generated/client';

export type DatabaseRole = 'siteplan_web' | 'siteplan_worker';

export interface Database {
  readonly prisma: PrismaClient;
  /** For the hot paths: fenced appends, claims, the change feed. */
  readonly pool: Pool;
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Whoever runs a query inside or outside of a transaction: a pool or one of its clients. */
export interface Queryable {
  query: <R extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: unknown[],
  ) => Promise<{ rows: R[]; rowCount: number | null }>;
}

/** The raw half of a Prisma client or transaction. */
interface PrismaRaw {
  $queryRawUnsafe: <T>(query: string, ...values: unknown[]) => PromiseLike<T>;
}

/** Lets our own SQL (audit, change feed) take part in a Prisma transaction. */
export function toQueryable(tx: PrismaRaw): Queryable {
  return {
    query: async <R extends QueryResultRow>(text: string, values: unknown[] = []) => {
      const rows = await tx.$queryRawUnsafe<R[]>(text, ...values);
      return { rows, rowCount: rows.length };
    },
  };
}

/**
 * Adds "become this role at once" to a connection string, so that one login with both roles granted still runs with
 * the rights of its process. A login that is the role already needs nothing.
 */
export function toRoleUrl(url: string, role: DatabaseRole): string {
  const parsed = new URL(url);
  if (decodeURIComponent(parsed.username) === role) return url;
  const options = [parsed.searchParams.get('options'), `-c role=${role}`].filter(Boolean).join(' ');
  parsed.searchParams.set('options', options);
  return parsed.toString();
}

/**
 * How long a query may take. Shorter than a lease for a worker: one whose link to the database is dead lets go of its
 * sites, and one that is stopped in the middle of a transaction does not keep the next one from taking over. People
 * who wait for a page are told before they give up.
 */
const PATIENCE_MS: Readonly<Record<DatabaseRole, number>> = {
  siteplan_worker: 8_000,
  siteplan_web: 20_000,
};

/**
 * Opens the pools of one process. A lost connection is the caller's failed query, never a crash: idle clients that
 * die are dropped and replaced on the next use.
 */
export function connectDatabase(
  url: string,
  role: DatabaseRole,
  options: { readonly maxConnections?: number; readonly patienceMs?: number } = {},
): Database {
  const patienceMs = options.patienceMs ?? PATIENCE_MS[role];
  const connectionString = toRoleUrl(url, role);
  const config = {
    connectionString,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: role,
    query_timeout: patienceMs,
    idle_in_transaction_session_timeout: patienceMs,
  };
  const pool = new Pool(config);
  pool.on('error', () => undefined);
  // For the moments in which neither the pool nor a borrower listens: an unheard error ends the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const prisma = new PrismaClient({
    adapter: new PrismaPg(config, { onPoolError: () => undefined, onConnectionError: () => undefined }),
  });
  return {
    prisma,
    pool,
    url: connectionString,
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/**
 * Runs `work` on one connection of the pool. While it is out of the pool nobody else listens to it, so a server that
 * goes away between two queries would end the process: here it makes the next query fail instead. A connection that
 * broke, or that `work` left in doubt, does not go back.
 */
export async function withConnection<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  try {
    return await work(client);
  } catch (error) {
    broken ??= error instanceof InDoubtError || isUnanswered(error) ? (error as Error) : undefined; // both are errors
    throw error instanceof InDoubtError ? error.cause : error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** A transaction that could be neither committed nor rolled back: its connection is thrown away. */
class InDoubtError extends Error {}

/** Runs `work` in one transaction of the pool: committed when it resolves, rolled back when it throws. */
export async function inTransaction<T>(pool: Pool, work: (client: Queryable) => Promise<T>): Promise<T> {
  return withConnection(pool, async (client) => {
    try {
      await client.query('BEGIN');
      const value = await work(client);
      await client.query('COMMIT');
      return value;
    } catch (error) {
      // The rollback would wait behind the query that is not answered.
      if (isUnanswered(error)) throw error;
      await client.query('ROLLBACK').catch(() => {
        throw new InDoubtError('rollback failed', { cause: error });
      });
      throw error;
    }
  });
}
