import type { Queryable } from '@/lib/db/connect';
import { openSealed, seal, SealError } from '@/lib/secrets/seal';
import type { SealPrivateKey } from '@/lib/secrets/seal';

interface SecretRow {
  readonly id: string;
  readonly version: number;
  readonly purpose: string;
  readonly owner: string;
  readonly key_id: string;
  readonly sealed: Buffer;
}

export interface Reseal {
  readonly resealed: number;
  /** Rows that no key at hand opens: they stay as they are. */
  readonly left: readonly string[];
}

const BATCH = 200;

/**
 * Seals every stored secret to the first of `keys` that is not yet, opening it with whichever key it was sealed to. A row
 * changes whole or not at all, and only if nobody changed it meanwhile: readers are never in the way, and a kill leaves
 * work for the next call.
 */
export async function resealSecrets(
  pool: Queryable,
  keys: readonly [SealPrivateKey, ...SealPrivateKey[]],
): Promise<Reseal> {
  const [current] = keys;
  const left: string[] = [];
  let resealed = 0;
  for (let after = ''; ;) {
    const { rows } = await pool.query<SecretRow>(
      `SELECT id, version, purpose, owner, key_id, sealed FROM secret
        WHERE key_id <> $1 AND id > $2 ORDER BY id LIMIT ${BATCH}`,
      [current.keyId, after],
    );
    const last = rows.at(-1);
    if (!last) return { resealed, left };
    after = last.id;
    const opened = rows.map((row) => ({ row, value: findValue(row, keys) }));
    left.push(...opened.flatMap(({ row, value }) => (value ? [] : [row.id])));
    const done = opened.flatMap(({ row, value }) => {
      if (!value) return [];
      const sealed = seal(current, value, row);
      value.fill(0);
      return [{ id: row.id, keyId: row.key_id, sealed }];
    });
    const { rowCount } = await pool.query(
      `UPDATE secret SET sealed = fresh.sealed, key_id = $1
         FROM unnest($2::text[], $3::text[], $4::bytea[]) AS fresh (id, key_id, sealed)
        WHERE secret.id = fresh.id AND secret.key_id = fresh.key_id`,
      [
        current.keyId,
        done.map(({ id }) => id),
        done.map(({ keyId }) => keyId),
        done.map(({ sealed }) => sealed),
      ],
    );
    resealed += rowCount ?? 0;
  }
}

function findValue(row: SecretRow, keys: readonly SealPrivateKey[]): Buffer | null {
  const key = keys.find(({ keyId }) => keyId === row.key_id);
  if (!key) return null;
  try {
    return openSealed(key, row.sealed, row);
  } catch (error) {
    if (error instanceof SealError) return null;
    throw error;
  }
}
