import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { inTransaction } from './connect';
import { isDatabaseAway } from './errors';

let test: TestDatabase;
let owner: Client;
beforeAll(async () => {
  test = await createTestDatabase();
  owner = new Client({ connectionString: test.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await test.drop();
});

it('survives a connection that the server ends in the middle of a transaction, and uses it no more', async () => {
  // An unheard error event would end this very process.
  const failed = inTransaction(test.worker.pool, async (tx) => {
    const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]?.pid;
    await tx.query(`INSERT INTO change (topic, key) VALUES ('connect', 'lost')`);
    await owner.query('SELECT pg_terminate_backend($1)', [pid]);
    await waitFor(
      async () => (await owner.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount === 0,
      { what: 'the backend to be gone' },
    );
    await tx.query('SELECT 1');
  });
  const error = await failed.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(isDatabaseAway(error)).toBe(true);
  await inTransaction(test.worker.pool, (tx) =>
    tx.query(`INSERT INTO change (topic, key) VALUES ('connect', 'kept')`),
  );
  const { rows } = await owner.query(`SELECT key FROM change WHERE topic = 'connect'`);
  expect(rows).toEqual([{ key: 'kept' }]);
});

it('rolls back what threw and gives the connection back clean', async () => {
  await expect(
    inTransaction(test.worker.pool, async (tx) => {
      await tx.query(`INSERT INTO change (topic, key) VALUES ('rollback', 'x')`);
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  const { rowCount } = await owner.query(`SELECT 1 FROM change WHERE topic = 'rollback'`);
  expect(rowCount).toBe(0);
  expect(test.worker.pool.idleCount).toBe(test.worker.pool.totalCount);
});
