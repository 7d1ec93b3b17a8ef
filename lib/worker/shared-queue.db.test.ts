import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectDatabase } from '@/lib/db/connect';
import { stopListening } from '@/lib/db/listen';
import { appendRunEvents } from '@/lib/db/run-log';
import { insertRun, insertSite } from '@/lib/testing/factories';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';
import { runSiteLoop, type SiteLoopOptions } from './site-loop';
import type { WorkerContext } from './worker-context';

/* Reliability I5: many workers, one PostgreSQL, each run once, one at a time per site, none left behind. */

const WORKERS = 8;
const RUNS = 500;

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

/** What the workers did, as they saw it themselves. */
class Watch {
  readonly started: string[] = [];
  readonly holders = new Set<string>();
  readonly doubles: string[] = [];
  private readonly underWay = new Map<string, string>();

  /** A run that does nothing and fails, so that no site has anything to watch afterwards. */
  readonly runPlan: NonNullable<SiteLoopOptions['runPlan']> = async (context, claim, { runId }) => {
    if (this.underWay.has(claim.siteId)) this.doubles.push(runId);
    this.underWay.set(claim.siteId, runId);
    this.started.push(runId);
    this.holders.add(context.holder);
    await appendRunEvents(context.db, {
      runId,
      epoch: claim.epoch,
      events: [{ type: 'run.finished', state: 'failed', failure: null }],
      run: { state: 'failed', finished: true },
    });
    this.underWay.delete(claim.siteId);
  };
}

/** A worker's site loop with connections of its own; returns when it has ended. */
async function work(name: string, signal: AbortSignal, watch: Watch): Promise<void> {
  const db = connectDatabase(test.urlFor('siteplan_worker'), 'siteplan_worker', { maxConnections: 4 });
  const context: Omit<WorkerContext, 'sealKey'> = {
    db,
    policy: { allow: [] },
    log: pino({ level: 'silent' }),
    holder: name,
    installationId: '11111111-2222-3333-4444-555555555555',
    signal,
  };
  // Nothing of a run that does nothing asks for the key.
  await runSiteLoop(context as WorkerContext, { runPlan: watch.runPlan });
  await stopListening(db);
  await db.close();
}

async function countLeft(): Promise<number> {
  const { rows } = await test.worker.pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM run WHERE state IN ('queued', 'running')`,
  );
  return rows[0]?.n ?? 0;
}

/** A site each, filed one after the other; their ids in that order. */
async function fileRuns(): Promise<string[]> {
  const first = await insertRun(test.worker.pool, await insertSite(test.worker.pool), []);
  const n = `generate_series(${RUNS}, 2, -1) AS n`; // the rows lie in another order than that of filing
  const statements = [
    `INSERT INTO site (id, name, created_by) SELECT 'site-' || n, 'site ' || n, 'test' FROM ${n}`,
    `INSERT INTO site_lease (site_id) SELECT 'site-' || n FROM ${n}`,
    `INSERT INTO plan (id, site_id, kind, revision, facts_hash, body, facts, created_by)
     SELECT 'plan-' || n, 'site-' || n, 'apply', 1, '', '{}', '[]', 'test' FROM ${n}`,
    `INSERT INTO run (id, site_id, plan_id, steps, created_by, created_at)
     SELECT 'run-' || n, 'site-' || n, 'plan-' || n, 0, 'test', now() + n * interval '1 ms' FROM ${n}`,
  ];
  for (const sql of statements) await test.worker.pool.query(sql);
  return [first, ...Array.from({ length: RUNS - 1 }, (_, i) => `run-${i + 2}`)];
}

it('gives each of 500 runs to exactly one of eight workers, in the order of filing', async () => {
  const filed = await fileRuns();
  const stop = new AbortController();
  const watch = new Watch();
  const workers = Array.from({ length: WORKERS }, (_, i) => work(`w${i}`, stop.signal, watch));
  await waitFor(async () => (await countLeft()) === 0, { what: 'the end of all runs', timeoutMs: 100_000 });
  stop.abort();
  await Promise.all(workers);

  expect([...watch.started].sort()).toEqual([...filed].sort());
  expect(watch.doubles).toEqual([]);
  expect(watch.holders.size).toBe(WORKERS);
  const { rows } = await test.worker.pool.query(
    `SELECT r.id FROM run r WHERE (SELECT count(*) FROM run_event e WHERE e.run_id = r.id AND type = 'run.claimed') <> 1
         OR (SELECT count(*) FROM run_event e WHERE e.run_id = r.id AND type = 'run.finished') <> 1`,
  );
  expect(rows).toEqual([]);
  // None starves: each worker has at most its claim at hand ahead of the order, which needs no clock to say.
  const placeOf = new Map(filed.map((id, place) => [id, place]));
  const late = watch.started.map((id, place) => place - (placeOf.get(id) ?? 0));
  expect(Math.max(...late)).toBeLessThanOrEqual(WORKERS * 4);
});
