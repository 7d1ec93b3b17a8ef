import { setTimeout as delay } from 'node:timers/promises';
import { toCount } from '@/lib/core/text';
import { appendAudit } from '@/lib/db/audit';
import { inTransaction, withConnection, type Database } from '@/lib/db/connect';
import { LOCKS } from '@/lib/db/locks';
import { env } from '@/lib/env/env';
import {
  isRotationBegun,
  listOldSealKeys,
  loadSealKeys,
  prepareNextSealKey,
  removeOldSealKeys,
  switchSealKey,
} from '@/lib/secrets/keyring';
import { loadSymmetricKey } from '@/lib/secrets/keys';
import { CliError } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { toLocalActor, withDatabase } from '../local-database';
import { resealSecrets } from '../reseal-secrets';

const POLL_MS = 250;
/** The database notices within a moment that a command was killed; one that works takes longer. */
const PATIENCE_MS = 5_000;

/** Does `work` while no other command changes the seal keys. */
function withSealKeys(work: (db: Database) => Promise<void>): Promise<void> {
  return withDatabase('siteplan_worker', (db) =>
    withConnection(db.pool, async (client) => {
      for (const deadline = Date.now() + PATIENCE_MS; ;) {
        const { rows } = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1) AS got', [
          LOCKS.sealKeys,
        ]);
        if (rows[0]?.got) break;
        if (Date.now() > deadline) {
          const message = 'Another command changes the seal keys. Wait for its end, then call this again.';
          throw new CliError('failed', message);
        }
        await delay(POLL_MS);
      }
      // The lock goes with the connection, which ends with the command.
      await work(db);
    }),
  );
}

async function audit(db: Database, action: string, object: string, detail: object): Promise<void> {
  const auditKey = await loadSymmetricKey(env().keysDir, 'audit');
  const actor = toLocalActor().email;
  await inTransaction(db.pool, (tx) =>
    appendAudit(tx, auditKey, { actor, action, object, detail: { ...detail } }),
  );
}

/** Ids of keys that stored secrets are sealed to, with how many. */
async function countSealedTo(db: Database): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.pool.query<{ key_id: string; count: string }>(
    'SELECT key_id, count(*) FROM secret GROUP BY key_id',
  );
  return new Map(rows.map(({ key_id: keyId, count }) => [keyId, Number(count)]));
}

async function prepare({ out }: CommandInput): Promise<void> {
  const keyId = await prepareNextSealKey(env().keysDir);
  const next = 'Copy it to the keys directory of every other worker machine, then run: secret rotate.';
  out.result(
    { keyId, prepared: true },
    `The key ${keyId} stands in seal-next.key and is not in use. ${next}`,
  );
}

async function rotate({ out }: CommandInput): Promise<void> {
  const { keysDir } = env();
  await withSealKeys(async (db) => {
    const [before, ...others] = await loadSealKeys(keysDir);
    const sealedTo = await countSealedTo(db);
    // What no key at hand opens is no work that is left: it must not keep a new key from being made.
    const isUnfinished = others.some(({ keyId }) => keyId !== before.keyId && sealedTo.has(keyId));
    if (!isUnfinished && !(await isRotationBegun(keysDir))) await prepareNextSealKey(keysDir);
    const current = await switchSealKey(keysDir);
    const { resealed, left } = await resealSecrets(db.pool, await loadSealKeys(keysDir));
    await audit(db, 'secret.rotate', current.keyId, { resealed, left: left.length });
    if (left.length > 0) {
      const which = left.slice(0, 5).join(', ');
      throw new CliError(
        'failed',
        `${toCount(left.length, 'secret')} can't be opened by any key in ${keysDir} (${which}). Put the key that they were sealed to there as seal-old-ID.key, or store them again.`,
      );
    }
    const text =
      `${toCount(resealed, 'secret')} sealed to the key ${current.keyId}, which is in use now.\n` +
      'Copy seal.key and seal.pub to the other worker machines and seal.pub to the web machines, if there are any.\n' +
      'The old key stays for backups of the database; take it away with: secret remove-old-keys.';
    out.result({ keyId: current.keyId, resealed }, text);
  });
}

async function removeOld({ out }: CommandInput): Promise<void> {
  const { keysDir } = env();
  await withSealKeys(async (db) => {
    if (await isRotationBegun(keysDir)) {
      throw new CliError('failed', 'A rotation was begun and is not finished. Run first: secret rotate.');
    }
    const [current, ...others] = await loadSealKeys(keysDir);
    const removed = await listOldSealKeys(keysDir);
    // By name and by content: a file that somebody put back may be called after another key.
    const going = new Set([...removed, ...others.map(({ keyId }) => keyId)]);
    going.delete(current.keyId);
    const needed = [...(await countSealedTo(db))].filter(([keyId]) => going.has(keyId));
    const count = needed.reduce((sum, [, one]) => sum + one, 0);
    if (count > 0) {
      const message = `${toCount(count, 'secret')} are still sealed to another key. Run first: secret rotate.`;
      throw new CliError('failed', message);
    }
    await removeOldSealKeys(keysDir, removed);
    await audit(db, 'secret.remove-old-keys', current.keyId, { removed });
    const text = removed.length > 0 ? `Removed ${removed.join(', ')}.` : 'There is no old key.';
    out.result({ removed }, text);
  });
}

export const SECRET_COMMANDS: readonly Command[] = [
  {
    name: 'secret rotate',
    summary: 'Makes a new seal key and seals every stored secret to it, while Siteplan runs.',
    options: { prepare: { words: 'Only make the key, to carry it to other worker machines first.' } },
    details:
      'Runs where seal.key lies. Workers and web processes of this machine take the new key by themselves. Killed at any\n' +
      'moment, it goes on when it is called again. With workers on more machines: --prepare, copy seal-next.key, rotate.',
    run: (input) => (input.values['prepare'] === true ? prepare(input) : rotate(input)),
  },
  {
    name: 'secret remove-old-keys',
    summary: 'Removes seal keys that no stored secret needs any more; backups may need them.',
    run: removeOld,
  },
];
