import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertPlan } from '@/lib/testing/factories';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import { createWebFixture } from '@/lib/testing/web-fixture';
import type { ServiceContext } from './context';
import { listRunEvents } from './runs/list-run-events';
import { createSite } from './sites/create-site';

const RUN = 'r-log';
const BIG = 40_000;
let database: TestDatabase;
let admin: ServiceContext;

/** A run whose log is 60 events: a note in front of each ten, output of two steps between them, 40 kB each. */
beforeAll(async () => {
  database = await createTestDatabase();
  admin = await createWebFixture(database).createPerson([{ siteId: null, role: 'admin' }], 'a long password');
  const topology = { pattern: 'custom', nodes: [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }] };
  const { siteId } = await createSite(admin, { name: 'logs', topology });
  const { pool } = database.worker;
  await insertPlan(pool, { id: 'p-log', siteId });
  await database.web.pool.query(
    `INSERT INTO run (id, site_id, plan_id, steps, created_by) VALUES ($2, $1, 'p-log', 2, 'ann')`,
    [siteId, RUN],
  );
  for (let seq = 1; seq <= 60; seq += 1) {
    const stepId = seq % 2 === 0 ? 'even' : 'odd';
    const output = {
      type: 'step.output',
      stepId,
      offset: 0,
      nextOffset: BIG,
      text: `#${seq} "x"\n${'y'.repeat(BIG)}`,
    };
    const body = seq % 10 === 1 ? { type: 'step.started', stepId, attempt: 1 } : output;
    await pool.query(
      'INSERT INTO run_event (run_id, seq, epoch, type, step_id, body) VALUES ($1, $2, 0, $3, $4, $5)',
      [RUN, seq, body.type, stepId, JSON.stringify(body)],
    );
  }
});
afterAll(() => database.drop());

async function read(query: Omit<Parameters<typeof listRunEvents>[1], 'runId'>) {
  const { events, ...rest } = await listRunEvents(admin, { runId: RUN, ...query });
  return { seqs: events.map(({ seq }) => seq), ...rest };
}

it('ends a page beyond its size, and goes on where it ended, in both directions', async () => {
  const up: number[] = [];
  for (let after = 0; ;) {
    const page = await read({ after });
    expect(page.seqs.length).toBeLessThan(20);
    up.push(...page.seqs);
    if (!page.more) break;
    after = page.last;
  }
  expect(up).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  const down: number[] = [];
  for (let before = 61; ;) {
    const page = await read({ before });
    expect(page.seqs).toEqual([...page.seqs].sort((a, b) => a - b));
    down.unshift(...page.seqs);
    if (!page.more) break;
    before = page.seqs[0] ?? 0;
  }
  expect(down).toEqual(up);
});

it('reads the notes alone, one step alone, and what holds a text', async () => {
  expect((await read({ only: 'notes' })).seqs).toEqual([1, 11, 21, 31, 41, 51]);
  expect((await read({ step: 'even', limit: 3 })).seqs).toEqual([2, 4, 6]);
  expect(await read({ contains: '#37 "X"', limit: 1 })).toEqual({ seqs: [37], last: 37, more: false });
  expect((await read({ contains: '"x"\n', limit: 2, before: 40, step: 'odd' })).seqs).toEqual([37, 39]);
  expect((await read({ contains: 'nowhere' })).seqs).toEqual([]);
  expect((await read({ contains: '%' })).seqs).toEqual([]);
});

it('refuses numbers that no event can have', async () => {
  await expect(read({ after: 2 ** 31 })).rejects.toThrow(/after/);
  await expect(read({ contains: 'x'.repeat(201) })).rejects.toThrow(/contains/);
});
