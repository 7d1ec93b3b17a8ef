import type { Pool } from 'pg';
import type { Database, Queryable } from './connect';
import { waitForNudge } from './listen';

/** Channel of the nudge that new change rows are there; one per transaction, never per row. */
export const CHANGE_CHANNEL = 'siteplan_change';

/** One thing that changed. `cursor` is opaque, ordered, and what `Last-Event-ID` carries. */
export interface Change {
  readonly cursor: string;
  /** Kind of thing: `job`, `run`, `site`, `site-now`, `topology`, `credential` ... */
  readonly topic: string;
  /** Its id. Readers fetch the thing itself, with their own rights. */
  readonly key: string;
}

/**
 * Records that `key` changed, in the caller's transaction, and nudges the readers at its commit. The row is the
 * truth; a missed nudge costs latency only.
 */
export async function recordChange(tx: Queryable, topic: string, key: string): Promise<void> {
  await tx.query(
    `WITH written AS (INSERT INTO change (topic, key) VALUES ($1, $2) RETURNING 1)
     SELECT pg_notify('${CHANGE_CHANNEL}', '')::text FROM written`,
    [topic, key],
  );
}

/** What PostgreSQL's xid8 and bigint hold; a number beyond them is no cursor of ours. */
const MAX_XID = 2n ** 64n - 1n;
const MAX_SEQ = 2n ** 63n - 1n;

function parseCursor(cursor: string): readonly [xid: string, seq: string] | null {
  const [, xid, seq] = /^(\d{1,20})\.(\d{1,19})$/.exec(cursor) ?? [];
  if (!xid || !seq || BigInt(xid) > MAX_XID || BigInt(seq) > MAX_SEQ) return null;
  return [xid, seq];
}

/** The newest position that is safe to start from: everything before it is committed and older than the caller. */
export async function findChangeCursor(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ xid: string }>(
    'SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text AS xid',
  );
  return `${rows[0]?.xid ?? '0'}.9223372036854775807`;
}

/**
 * Changes after `after` in order of (transaction, sequence). Sequences are taken before commit, so a reader that
 * went by sequence alone would skip a row whose transaction commits late (contract 2): rows count only once their
 * transaction is older than every running one, and no row can appear behind the cursor any more.
 */
export async function readChanges(
  pool: Pool,
  after: string,
  topics: readonly string[],
  limit = 500,
): Promise<Change[]> {
  const cursor = parseCursor(after);
  if (!cursor) throw new Error('not a change cursor');
  const { rows } = await pool.query<{ xid: string; seq: string; topic: string; key: string }>(
    `SELECT c.xid::text AS xid, c.seq::text AS seq, topic, key FROM change c
      WHERE c.xid < pg_snapshot_xmin(pg_current_snapshot())
        AND (c.xid, c.seq) > ($1::xid8, $2::bigint) AND topic = ANY($3)
      ORDER BY c.xid, c.seq LIMIT $4`,
    [cursor[0], cursor[1], topics, limit],
  );
  return rows.map(({ xid, seq, topic, key }) => ({ cursor: `${xid}.${seq}`, topic, key }));
}

/**
 * Changes as they come, without end, until `signal` aborts. Starts at the present unless `after` is given. Rows are kept for an hour
 * (retention.ts): a reader that was away longer starts at the present.
 */
export async function* watchChanges(
  db: Database,
  options: { topics: readonly string[]; after?: string; signal: AbortSignal },
): AsyncGenerator<Change> {
  const { topics, signal } = options;
  let cursor = options.after && parseCursor(options.after) ? options.after : await findChangeCursor(db.pool);
  while (!signal.aborted) {
    const nudge = waitForNudge(db, CHANGE_CHANNEL, { timeoutMs: 2_000, signal });
    const changes = await readChanges(db.pool, cursor, topics).catch((error: unknown) => {
      if (signal.aborted) return [];
      throw error;
    });
    for (const change of changes) {
      cursor = change.cursor;
      yield change;
    }
    if (changes.length === 0) await nudge;
  }
}
