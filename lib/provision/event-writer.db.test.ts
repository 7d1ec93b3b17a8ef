import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StaleEpochError } from '@/lib/db/errors';
import { createBackendKiller, createEngineRig } from '@/lib/testing/engine-rig';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { SYSTEM_CLOCK } from './clock';
import { EventWriter } from './event-writer';

let test: TestDatabase;
let host: FakeHost;
beforeAll(async () => {
  test = await createTestDatabase();
  host = await startFakeHost('s1');
});
afterAll(async () => {
  await host.stop();
  await test.drop();
});

const rigOf = (lines: number, pauseS: string) =>
  createEngineRig(
    test.worker,
    [{ nodeId: 'n-0', target: host.target, root: host.root }],
    ['a', 'b'].map((name) => ({ nodeId: 'n-0', params: { name, lines, pauseS } })),
  );

/** Kills every database connection each 100 ms until `work` is over; says how many. */
async function killUntil(work: Promise<unknown>): Promise<number> {
  const killer = createBackendKiller(test.ownerUrl);
  let kills = 0;
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  await waitFor(
    async () => {
      if (!isOver) kills += await killer.kill();
      return isOver;
    },
    { what: 'the work to end', timeoutMs: 40_000, everyMs: 100 },
  );
  await killer.end();
  await over;
  // Connections that died in the pool are found out by whoever uses them next.
  const probe = () => test.worker.pool.query('SELECT 1').catch(() => undefined);
  await Promise.all(Array.from({ length: 5 }, probe));
  return kills;
}

/** A database of which the answers to the first commits get lost, the commit done or not. */
function loseAnswers(
  count: number,
  moment: 'before' | 'after',
  between: () => Promise<void> = async () => {},
) {
  let lost = 0;
  const connect = async () => {
    const client = await test.worker.pool.connect();
    const query = async (text: string, values?: unknown[]) => {
      const isLost = text === 'COMMIT' && lost < count;
      const result = await client.query(isLost && moment === 'before' ? 'ROLLBACK' : text, values);
      if (!isLost) return result;
      lost += 1;
      await between();
      throw new Error('Connection terminated unexpectedly');
    };
    return new Proxy(client, {
      get: (target, key) => {
        if (key === 'query') return query;
        const member: unknown = Reflect.get(target, key);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  };
  // Only what the log uses of a pool: a connection whose answer to COMMIT gets lost.
  return { db: { pool: { connect } as unknown as typeof test.worker.pool }, lost: () => lost };
}

describe('a database that goes away', () => {
  it('gets every event exactly once and in order', async () => {
    const rig = await rigOf(1, '0');
    const epoch = await rig.claim();
    const signal = new AbortController().signal;
    const writer = new EventWriter(
      { db: test.worker, runId: rig.runId, epoch, clock: SYSTEM_CLOCK, signal },
      1,
    );
    const write = async () => {
      for (let at = 0; at < 300; at += 1) {
        writer.push({ type: 'step.output', stepId: 's', offset: at, nextOffset: at + 1, text: 'x' });
        await SYSTEM_CLOCK.sleep(5);
        if (at % 10 === 0) await writer.flush();
      }
      await writer.flush();
    };
    expect(await killUntil(write())).toBeGreaterThan(3);
    const offsets = (await rig.events()).flatMap((event) =>
      event.type === 'step.output' ? [event.offset] : [],
    );
    expect(offsets).toEqual(Array.from({ length: 300 }, (_, at) => at));
  });

  it('right after a commit, before anybody heard of it, gets nothing twice', async () => {
    const rig = await rigOf(1, '0');
    const epoch = await rig.claim();
    const { db, lost } = loseAnswers(2, 'after');
    const signal = new AbortController().signal;
    const writer = new EventWriter({ db, runId: rig.runId, epoch, clock: SYSTEM_CLOCK, signal }, 1);
    writer.push({ type: 'step.started', stepId: 's', attempt: 1 });
    writer.push({ type: 'step.probed', stepId: 's', satisfied: false });
    await writer.flush();
    writer.push({ type: 'step.cancelled', stepId: 's' });
    await writer.flush();
    expect(lost()).toBe(2);
    const types = (await rig.events()).map(({ type }) => type);
    expect(types).toEqual(['run.claimed', 'step.started', 'step.probed', 'step.cancelled']);
  });

  it.each(['before', 'after'] as const)(
    'just %s a commit, while a person asks for something, loses and doubles nothing',
    async (moment) => {
      const rig = await rigOf(1, '0');
      const epoch = await rig.claim();
      // As services write a request: the next number, under the row's lock.
      const ask = async () => {
        await test.worker.pool.query(
          `WITH taken AS (UPDATE run SET last_seq = last_seq + 1 WHERE id = $1 RETURNING last_seq, epoch)
           INSERT INTO run_event (run_id, seq, epoch, type, body)
           SELECT $1, last_seq, epoch, 'run.cancel-requested', $2 FROM taken`,
          [rig.runId, JSON.stringify({ type: 'run.cancel-requested', by: 'somebody' })],
        );
      };
      const { db } = loseAnswers(1, moment, ask);
      const signal = new AbortController().signal;
      const writer = new EventWriter({ db, runId: rig.runId, epoch, clock: SYSTEM_CLOCK, signal }, 1);
      writer.push({ type: 'step.started', stepId: 's', attempt: 1 });
      await writer.flush();
      writer.push({ type: 'step.probed', stepId: 's', satisfied: false });
      await writer.flush();
      const types = (await rig.events()).map(({ type }) => type);
      expect(types.filter((type) => type.startsWith('step.'))).toEqual(['step.started', 'step.probed']);
      expect(types).toContain('run.cancel-requested');
    },
  );

  it('costs a run time and nothing else', async () => {
    const rig = await rigOf(15, '0.1');
    const ended = rig.execute({ epoch: await rig.claim() });
    expect(await killUntil(ended)).toBeGreaterThan(3);
    expect(await ended).toBe('done');
    for (const { id } of rig.plan.steps) expect((await rig.logOf(id)).split('\n')).toHaveLength(16);
    expect(await rig.ledgerOf('n-0')).toEqual(['a', 'b']);
  });
});

describe('the beginning of an act', () => {
  it('is refused once a cancel is acknowledged, and what else was written stays', async () => {
    const rig = await rigOf(1, '0');
    const epoch = await rig.claim();
    const signal = new AbortController().signal;
    const writer = new EventWriter(
      { db: test.worker, runId: rig.runId, epoch, clock: SYSTEM_CLOCK, signal },
      1,
    );
    const start = (attempt: number) =>
      writer.storeStart({ type: 'step.act-started', stepId: 's', attempt }, { stepId: 's', state: 'acting' });
    expect(await start(1)).toBe(true);
    await test.worker.pool.query('UPDATE run SET cancel_requested = true WHERE id = $1', [rig.runId]);
    writer.push({ type: 'step.probed', stepId: 's', satisfied: false });
    expect(await start(2)).toBe(false);
    const started = (await rig.events()).filter(({ type }) => type.startsWith('step.'));
    expect(started).toMatchObject([{ type: 'step.act-started', attempt: 1 }, { type: 'step.probed' }]);
  });
});

describe('a writer', () => {
  it('that became stale rejects, and so does everything after', async () => {
    const rig = await rigOf(1, '0');
    const epoch = await rig.claim();
    const signal = new AbortController().signal;
    const writer = new EventWriter(
      { db: test.worker, runId: rig.runId, epoch, clock: SYSTEM_CLOCK, signal },
      1,
    );
    await rig.claim();
    writer.push({ type: 'step.started', stepId: 's', attempt: 1 });
    await expect(writer.flush()).rejects.toThrow(StaleEpochError);
    writer.push({ type: 'step.started', stepId: 's', attempt: 2 });
    await expect(writer.flush()).rejects.toThrow(StaleEpochError);
    expect((await rig.events()).map(({ type }) => type)).toEqual(['run.claimed', 'run.claimed']);
  });

  it('stops waiting for a database when its signal fires', async () => {
    const rig = await rigOf(1, '0');
    const epoch = await rig.claim();
    const stop = new AbortController();
    const db = { pool: Object.assign(Object.create(test.worker.pool) as typeof test.worker.pool) };
    db.pool.connect = () => Promise.reject(new Error('Connection terminated unexpectedly'));
    const writer = new EventWriter(
      { db, runId: rig.runId, epoch, clock: SYSTEM_CLOCK, signal: stop.signal },
      1,
    );
    writer.push({ type: 'step.started', stepId: 's', attempt: 1 });
    const flushed = writer.flush();
    stop.abort(new Error('shutdown'));
    await expect(flushed).rejects.toThrow(/shutdown|abort/);
  });
});
