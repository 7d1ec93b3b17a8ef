import { afterAll, beforeAll, expect, it } from 'vitest';
import { inTransaction } from '@/lib/db/connect';
import { pruneEnded } from '@/lib/db/retention';
import { toTestPlan } from '@/lib/testing/ledger-step';
import { insertRun, insertSite } from '@/lib/testing/factories';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { RUN_LIMITS } from '@/lib/run/limits';
import type { Plan } from '@/lib/plan/plan';
import type { JobContext } from './job-context';
import { refuseLongPlan } from './plan';
import { storePlan } from './store-plan';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const jobOf = (): Pick<JobContext, 'fenced' | 'createdBy'> => ({
  createdBy: 'ann',
  fenced: (work) => inTransaction(test.worker.pool, work),
});
const planOf = (siteId: string, revision: number): Plan => ({
  ...toTestPlan(siteId, []),
  id: `p-${siteId}-${revision}`,
  revision,
});
async function appliedOf(siteId: string): Promise<number | null> {
  const { rows } = await test.worker.pool.query<{ applied: number | null }>(
    'SELECT applied_revision AS applied FROM site WHERE id = $1',
    [siteId],
  );
  return rows[0]?.applied ?? null;
}

it('notes a revision as applied when nothing is left to do, and never goes back to an older one', async () => {
  const siteId = await insertSite(test.worker.pool);
  await storePlan(jobOf(), planOf(siteId, 2), []);
  expect(await appliedOf(siteId)).toBe(2);
  await storePlan(jobOf(), planOf(siteId, 3), []);
  await storePlan(jobOf(), planOf(siteId, 2), []);
  expect(await appliedOf(siteId)).toBe(3);
});

it('notes nothing while a run is about to change the hosts', async () => {
  const siteId = await insertSite(test.worker.pool);
  await insertRun(test.worker.pool, siteId, []);
  await storePlan(jobOf(), planOf(siteId, 1), []);
  expect(await appliedOf(siteId)).toBeNull();
});

it('keeps a plan that was found again as long as a new one', async () => {
  const siteId = await insertSite(test.worker.pool);
  const [again, forgotten] = [planOf(siteId, 1), planOf(siteId, 2)];
  for (const plan of [again, forgotten]) await storePlan(jobOf(), plan, []);
  await test.worker.pool.query(`UPDATE plan SET created_at = now() - interval '31 days' WHERE site_id = $1`, [
    siteId,
  ]);
  await storePlan(jobOf(), again, []);
  await pruneEnded(test.worker.pool, new AbortController().signal);
  const { rows } = await test.worker.pool.query('SELECT id FROM plan WHERE site_id = $1', [siteId]);
  expect(rows).toEqual([{ id: again.id }]);
});

it('refuses a plan of more steps than a run may have, in words (reliability I12)', () => {
  const [step] = toTestPlan('s-1', [{ nodeId: 'n-1', params: { name: 'a' } }]).steps;
  if (!step) throw new Error('no step');
  const { maxSteps } = RUN_LIMITS;
  expect(refuseLongPlan({ steps: Array.from({ length: maxSteps }, () => step) })).toBeNull();
  expect(refuseLongPlan({ steps: Array.from({ length: maxSteps + 1 }, () => step) })).toMatchObject({
    message: `This plan has ${maxSteps + 1} steps; a run does at most ${maxSteps}.`,
    nextAction: expect.stringMatching(/plan again/) as string,
  });
});
