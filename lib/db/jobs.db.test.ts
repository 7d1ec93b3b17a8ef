import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertSite, nextId } from '@/lib/testing/factories';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { StaleEpochError } from './errors';
import { claimJob, failOldJobs, renewJob, updateJob, withJob } from './jobs';

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

async function fileJob(age = '0 s'): Promise<string> {
  const id = nextId('job');
  await owner.query(
    `INSERT INTO job (id, site_id, kind, params, created_by, created_at)
     VALUES ($1, $2, 'scan', '{"kind":"scan","revision":1}', 'test', now() - $3::interval)`,
    [id, await insertSite(owner as never), age], // a Client is enough of a Pool for the factory
  );
  return id;
}

it('gives each job to exactly one of many racing workers', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, () => fileJob()));
  const claims = await Promise.all(
    Array.from({ length: 40 }, (_, i) => claimJob(test.worker.pool, `w${i}`, 60_000)),
  );
  const taken = claims.flatMap((claim) => (claim ? [claim.id] : []));
  expect(taken.sort()).toEqual(ids.sort());
});

it('gives a dead worker’s job to the next, and the dead one’s result to nobody', async () => {
  const id = await fileJob();
  const dead = await claimJob(test.worker.pool, 'dead', 1);
  expect(dead?.id).toBe(id);
  const next = await waitFor(() => claimJob(test.worker.pool, 'next', 60_000), {
    what: 'the lease to run out',
  });
  expect(next.id).toBe(id);
  if (!dead) throw new Error('unreachable');
  expect(await renewJob(test.worker.pool, dead, 1_000)).toBe(false);
  await expect(updateJob(test.worker.pool, dead, { state: 'done', result: 'old' })).rejects.toThrow(
    StaleEpochError,
  );
  await updateJob(test.worker.pool, next, { state: 'done', result: 'new' });
  const { rows } = await owner.query('SELECT state, result FROM job WHERE id = $1', [id]);
  expect(rows).toEqual([{ state: 'done', result: 'new' }]);
  await expect(updateJob(test.worker.pool, next, { progress: 'late' })).rejects.toThrow(StaleEpochError);
});

it('keeps what a dead worker found out of the tables, and waits for what the living one writes', async () => {
  const id = await fileJob();
  const write = (job: NonNullable<Awaited<ReturnType<typeof claimJob>>>, note: string) =>
    withJob(test.worker.pool, job, (tx) =>
      tx.query('INSERT INTO change (topic, key) VALUES ($1, $2)', [`found-${id}`, note]),
    );
  const dead = await claimJob(test.worker.pool, 'dead', 1);
  if (dead?.id !== id) throw new Error('claimed something else');
  await write(dead, 'while it owned the job');
  const held = await new Promise<{ let: () => void; done: Promise<unknown> }>((resolve) => {
    const done: Promise<unknown> = withJob(
      test.worker.pool,
      dead,
      () => new Promise<void>((letGo) => resolve({ let: letGo, done: Promise.resolve().then(() => done) })),
    );
  });
  // Its lease has run out, but what it writes has begun: nobody takes the job before that is committed.
  expect(await claimJob(test.worker.pool, 'early', 60_000)).toBeNull();
  held.let();
  await held.done;
  const next = await waitFor(() => claimJob(test.worker.pool, 'next', 60_000), { what: 'the job' });
  await expect(write(dead, 'after it lost the job')).rejects.toThrow(StaleEpochError);
  await write(next, 'by the next');
  const { rows } = await owner.query('SELECT key FROM change WHERE topic = $1 ORDER BY seq', [`found-${id}`]);
  expect(rows.map(({ key }: { key: string }) => key)).toEqual(['while it owned the job', 'by the next']);
  await updateJob(test.worker.pool, next, { state: 'done', result: null });
  await expect(write(next, 'after its end')).rejects.toThrow(StaleEpochError);
});

it('takes no site lock: a job of a site whose run is active is claimed all the same (contract 5)', async () => {
  const id = await fileJob();
  await owner.query(
    `UPDATE site_lease SET holder = 'busy', epoch = 99, lease_until = now() + interval '1 hour'
      WHERE site_id = (SELECT site_id FROM job WHERE id = $1)`,
    [id],
  );
  expect((await claimJob(test.worker.pool, 'w', 60_000))?.id).toBe(id);
});

it('ends what nobody took in half an hour, in words', async () => {
  const id = await fileJob('31 minutes');
  expect(await claimJob(test.worker.pool, 'w', 60_000)).toBeNull();
  await failOldJobs(test.worker.pool);
  const { rows } = await owner.query<{ state: string; failure: { message: string } }>(
    'SELECT state, failure FROM job WHERE id = $1',
    [id],
  );
  expect(rows[0]?.state).toBe('failed');
  expect(rows[0]?.failure.message).toContain('No worker');
});
