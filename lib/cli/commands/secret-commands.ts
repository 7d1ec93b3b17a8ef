import { toCount } from '@/lib/core/text';
import { appendAudit } from '@/lib/db/audit';
import { inTransaction, type Database } from '@/lib/db/connect';
import { env } from '@/lib/env/env';
import {
  isRotationBegun,
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

async function audit(db: Database, action: string, object: string, detail: object): Promise<void> {
  const auditKey = await loadSymmetricKey(env().keysDir, 'audit');
  const actor = toLocalActor().email;
  await inTransaction(db.pool, (tx) =>
    appendAudit(tx, auditKey, { actor, action, object, detail: { ...detail } }),
  );
}

/** Ids of keys that stored secrets are sealed to, with how many. */
export async function countSealedTo(db: Database): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.pool.query<{ key_id: string; count: string }>(
    'SELECT key_id, count(*) FROM secret GROUP BY key_id',
  );
  return new Map(rows.map(({ key_id: keyId, count }) => [keyId, Number(count)]));
}

async function rotate({ values, out }: CommandInput): Promise<void> {
  const { keysDir } = env();
  const [before] = await loadSealKeys(keysDir);
  if (values['prepare'] === true) {
    const keyId = await prepareNextSealKey(keysDir);
    const next = 'Copy it to the keys directory of every other worker machine, then run: secret rotate.';
    return out.result(
      { keyId, prepared: true },
      `The key ${keyId} stands in seal-next.key and is not in use. ${next}`,
    );
  }
  await withDatabase('siteplan_worker', async (db) => {
    const isUnfinished = [...(await countSealedTo(db)).keys()].some((keyId) => keyId !== before.keyId);
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
  const [current] = await loadSealKeys(keysDir);
  await withDatabase('siteplan_worker', async (db) => {
    const others = [...(await countSealedTo(db))].filter(([keyId]) => keyId !== current.keyId);
    const count = others.reduce((sum, [, one]) => sum + one, 0);
    if (count > 0) {
      const message = `${toCount(count, 'secret')} are still sealed to another key. Run first: secret rotate.`;
      throw new CliError('failed', message);
    }
    const removed = await removeOldSealKeys(keysDir);
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
    run: rotate,
  },
  {
    name: 'secret remove-old-keys',
    summary: 'Removes seal keys that no stored secret needs any more; backups may need them.',
    run: removeOld,
  },
];
