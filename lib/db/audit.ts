import { createHmac } from 'node:crypto';
import { canonicalJson } from '@/lib/core/hash';
import type { Queryable } from './connect';
import { LOCKS } from './locks';

export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly ip?: string;
  readonly requestId?: string;
  /** Never holds a secret: the caller lists what goes in. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface AuditRow {
  readonly seq: bigint;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly ip: string;
  readonly requestId: string;
  readonly detail: string;
  readonly prevHash: string;
  readonly hash: string;
}

function toHash(key: Buffer, row: Omit<AuditRow, 'hash'>): string {
  return createHmac('sha256', key)
    .update(canonicalJson({ ...row, seq: row.seq.toString() }))
    .digest('hex');
}

interface RawRow extends Omit<AuditRow, 'seq' | 'prevHash' | 'requestId'> {
  seq: string;
  prev_hash: string;
  request_id: string;
}

const COLUMNS = `seq::text AS seq, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at,
  actor, action, object, ip, request_id, detail, prev_hash, hash`;

function toRow({ seq, prev_hash, request_id, ...rest }: RawRow): AuditRow {
  return { ...rest, seq: BigInt(seq), requestId: request_id, prevHash: prev_hash };
}

/**
 * Appends one row to the hash-chained audit in the caller's transaction: gap-free numbers, each row's HMAC over the
 * one before. Throws when it can't be written, and the caller's transaction fails with it (fail closed, S27).
 */
export async function appendAudit(tx: Queryable, key: Buffer, entry: AuditEntry): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock($1)::text', [LOCKS.audit]);
  const { rows } = await tx.query<{ seq: string; hash: string; at: string }>(
    `SELECT COALESCE(max(seq), 0)::text AS seq,
            COALESCE((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), '') AS hash,
            to_char(date_trunc('milliseconds', clock_timestamp()) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
       FROM audit`,
  );
  const head = rows[0] ?? { seq: '0', hash: '', at: new Date(0).toISOString() };
  const row = {
    seq: BigInt(head.seq) + 1n,
    at: head.at,
    actor: entry.actor,
    action: entry.action,
    object: entry.object,
    ip: entry.ip ?? '',
    requestId: entry.requestId ?? '',
    detail: canonicalJson(entry.detail ?? {}),
    prevHash: head.hash,
  };
  await tx.query(
    `INSERT INTO audit (seq, at, actor, action, object, ip, request_id, detail, prev_hash, hash)
     VALUES ($1::bigint, $2::timestamptz, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      String(row.seq),
      row.at,
      row.actor,
      row.action,
      row.object,
      row.ip,
      row.requestId,
      row.detail,
      row.prevHash,
      toHash(key, row),
    ],
  );
}

/** Rows after `afterSeq`, oldest first. */
export async function readAudit(db: Queryable, afterSeq: bigint, limit: number): Promise<AuditRow[]> {
  const { rows } = await db.query<RawRow>(
    `SELECT ${COLUMNS} FROM audit WHERE audit.seq > $1::bigint ORDER BY audit.seq LIMIT $2`,
    [afterSeq, limit],
  );
  return rows.map(toRow);
}

export type AuditVerdict =
  { ok: true; rows: bigint; head: string } | { ok: false; badSeq: bigint; why: string };

/**
 * Walks the chain and names the first bad row: edited, deleted, reordered or repeated. Truncation at the end shows
 * only against `exportedHead`, a head that was kept outside.
 */
export async function verifyAudit(
  db: Queryable,
  key: Buffer,
  exportedHead?: { seq: bigint; hash: string },
): Promise<AuditVerdict> {
  let last = { seq: 0n, hash: '' };
  for (;;) {
    const rows = await readAudit(db, last.seq, 1_000);
    if (rows.length === 0) break;
    for (const row of rows) {
      const expected = last.seq + 1n;
      if (row.seq !== expected) return { ok: false, badSeq: expected, why: 'the row is missing' };
      if (row.prevHash !== last.hash)
        return { ok: false, badSeq: row.seq, why: 'it does not follow the row before' };
      const { hash, ...rest } = row;
      if (hash !== toHash(key, rest)) return { ok: false, badSeq: row.seq, why: 'its content was changed' };
      if (exportedHead?.seq === row.seq && exportedHead.hash !== hash) {
        return { ok: false, badSeq: row.seq, why: 'it is not the row that was exported' };
      }
      last = { seq: row.seq, hash };
    }
  }
  if (exportedHead && exportedHead.seq > last.seq) {
    return { ok: false, badSeq: last.seq + 1n, why: 'rows at the end are missing' };
  }
  return { ok: true, rows: last.seq, head: last.hash };
}
