import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { appendAudit, readAudit, verifyAudit } from './audit';
import { connectDatabase, inTransaction, toRoleUrl } from './connect';
import { stopListening } from './listen';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const key = Buffer.alloc(32, 7);
const insertSecret = `INSERT INTO secret (id, purpose, owner, key_id, sealed) VALUES ($1, 'test', $1, 'k', '\\x01')`;

describe('S30: database roles', () => {
  it('lets the web write a secret and never read one', async () => {
    await test.web.pool.query(insertSecret, ['sec-a']);
    const { rows } = await test.web.pool.query('SELECT id, version FROM secret');
    expect(rows).toEqual([{ id: 'sec-a', version: 1 }]);
    for (const sql of [
      'SELECT sealed FROM secret',
      'SELECT * FROM secret',
      `UPDATE secret SET sealed = '\\x02'`,
      'DELETE FROM secret',
      `INSERT INTO secret (id, purpose, owner, key_id, sealed) VALUES ('sec-b', 't', 'o', 'k', '\\x') RETURNING sealed`,
    ]) {
      await expect(test.web.pool.query(sql), sql).rejects.toThrow(/permission denied/);
    }
    const read = await test.worker.pool.query('SELECT sealed FROM secret');
    expect(read.rowCount).toBe(1);
  });

  it('keeps sessions, passwords and tokens from the worker, leases and facts from the web', async () => {
    for (const table of ['session', 'account', 'two_factor', 'api_token', 'setup_link']) {
      await expect(test.worker.pool.query(`SELECT * FROM ${table}`), table).rejects.toThrow(
        /permission denied/,
      );
    }
    for (const sql of [
      `UPDATE site_lease SET epoch = 1`,
      `INSERT INTO site_now (site_id, seq, epoch, body) VALUES ('x', 1, 1, '')`,
      `DELETE FROM node_fact`,
    ]) {
      await expect(test.web.pool.query(sql), sql).rejects.toThrow(/permission denied/);
    }
  });

  it('takes the rights of its process from a login that has both roles', async () => {
    const url = toRoleUrl(test.ownerUrl, 'siteplan_web');
    const db = connectDatabase(url, 'siteplan_web');
    await expect(db.pool.query('SELECT sealed FROM secret')).rejects.toThrow(/permission denied/);
    await expect(db.prisma.secret.findMany()).rejects.toThrow(/denied/);
    await stopListening(db);
    await db.close();
  });
});

describe('S27, S28: audit', () => {
  const add = (action: string) =>
    inTransaction(test.web.pool, (tx) => appendAudit(tx, key, { actor: 'ann', action, object: 'site-1' }));

  it('is append-only for everybody, the owner included', async () => {
    await add('site.create');
    await expect(test.web.pool.query(`UPDATE audit SET actor = 'bob'`)).rejects.toThrow(/permission denied/);
    await expect(test.worker.pool.query('DELETE FROM audit')).rejects.toThrow(/permission denied/);
    const owner = new Client({ connectionString: test.ownerUrl });
    await owner.connect();
    await expect(owner.query(`UPDATE audit SET actor = 'bob'`)).rejects.toThrow(/append-only/);
    await expect(owner.query('TRUNCATE audit')).rejects.toThrow(/append-only/);
    await owner.end();
  });

  it('numbers without a gap when many append at once, and rolls back with its action', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, i) => add(`a${i}`)));
    await expect(
      inTransaction(test.web.pool, async (tx) => {
        await appendAudit(tx, key, { actor: 'ann', action: 'lost', object: 'x' });
        throw new Error('the action failed');
      }),
    ).rejects.toThrow('the action failed');
    const rows = await readAudit(test.web.pool, 0n, 100);
    expect(rows.map(({ seq }) => Number(seq))).toEqual(rows.map((_, index) => index + 1));
    expect(await verifyAudit(test.web.pool, key)).toMatchObject({ ok: true, rows: BigInt(rows.length) });
  });

  it('names the first bad row when one is edited, deleted, swapped or cut off', async () => {
    const owner = new Client({ connectionString: test.ownerUrl });
    await owner.connect();
    await owner.query('ALTER TABLE audit DISABLE TRIGGER ALL');
    const good = await verifyAudit(test.web.pool, key);
    if (!good.ok) throw new Error('the chain should be good before');
    const tamper = async (sql: string) => {
      await owner.query('BEGIN');
      await owner.query(sql);
      const verdict = await verifyAudit(owner, key, { seq: good.rows, hash: good.head });
      await owner.query('ROLLBACK');
      return verdict;
    };
    expect(await tamper(`UPDATE audit SET actor = 'eve' WHERE seq = 3`)).toMatchObject({
      ok: false,
      badSeq: 3n,
    });
    expect(await tamper(`UPDATE audit SET at = at + interval '1 h' WHERE seq = 4`)).toMatchObject({
      badSeq: 4n,
    });
    expect(await tamper('DELETE FROM audit WHERE seq = 5')).toMatchObject({ ok: false, badSeq: 5n });
    expect(
      await tamper(`UPDATE audit SET seq = CASE seq WHEN 2 THEN -1 ELSE 2 END WHERE seq IN (2, 3);
                    UPDATE audit SET seq = 3 WHERE seq = -1`),
    ).toMatchObject({ ok: false, badSeq: 2n });
    expect(await tamper(`DELETE FROM audit WHERE seq = ${good.rows}`)).toMatchObject({
      ok: false,
      badSeq: good.rows,
    });
    expect(await verifyAudit(owner, Buffer.alloc(32, 8))).toMatchObject({ ok: false, badSeq: 1n });
    await owner.end();
  });
});
