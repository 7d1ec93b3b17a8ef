import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isAppError } from '@/lib/core/errors';
import type { CheckCell, PreflightResult } from '@/lib/run/job-view';
import { createRunScene, type RunScene } from '@/lib/testing/run-scene';
import { insertPreflight } from '@/lib/testing/factories';
import type { TestDatabase } from '@/lib/testing/test-database';
import { createTestDatabase } from '@/lib/testing/test-database';
import type { WebFixture } from '@/lib/testing/web-fixture';
import { createWebFixture } from '@/lib/testing/web-fixture';
import type { ServiceContext } from './context';
import { createJob } from './jobs/create-job';
import { getChecks } from './preflight/get-checks';
import { overrideCheck } from './preflight/override-check';
import { revokeOverride } from './preflight/revoke-override';
import { createRun } from './runs/create-run';
import { listRunEvents } from './runs/list-run-events';
import { createSite } from './sites/create-site';
import { getTopology } from './topology/get-topology';
import { putTopology } from './topology/put-topology';

let database: TestDatabase;
let web: WebFixture;
let admin: ServiceContext;
let siteId: string;
let nodeId: string;
let scene: RunScene;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  web = createWebFixture(database);
  admin = await web.createPerson([{ siteId: null, role: 'admin' }]);
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.web.pool.query('DELETE FROM rate_limit');
  await database.worker.pool.query(`UPDATE run SET state = 'cancelled' WHERE state IN ('queued', 'running')`);
  count += 1;
  const topology = { pattern: 'custom', nodes: [{ name: 's1', role: 'server', internalIp: '192.0.2.1' }] };
  const site = await createSite(admin, { name: `site ${count}`, topology });
  siteId = site.siteId;
  nodeId = site.topology.nodes[0]?.id ?? '';
  scene = createRunScene(database, siteId, [{ nodeId }]);
});

const REASON = 'the lab has small hosts';

function cell(checkId: string, status: CheckCell['status'], value = '1 GiB', valueHash = ''): CheckCell {
  return {
    ...{ nodeId, checkId, status, value, title: `Title of ${checkId}`, group: 'machine' },
    ...{ threshold: '4 GiB', why: '', fix: '', source: '', isUnknown: false, takenAt: '', valueHash },
  };
}
const check = (options: Partial<PreflightResult>) => insertPreflight(database.worker.pool, siteId, options);
const again = (checkId: string, cells: CheckCell[], revision = 1) =>
  check({ cells, revision, scope: { nodeIds: [nodeId], checkIds: [checkId] } });
/** A plan of the site, and the checks as the test wants them: the scene's own are the oldest. */
async function planWith(cells: CheckCell[]): Promise<string> {
  const planId = await scene.storePlan();
  await check({ cells });
  return planId;
}
const override = (checkId: string, value = '1 GiB', ctx = admin) =>
  overrideCheck(ctx, { siteId, nodeId, checkId, value, reason: REASON });
async function endRun(): Promise<void> {
  const claimed = await scene.claim();
  await scene.endRun(claimed, 'failed');
}
const auditOf = async (action: string) => {
  const { rows } = await database.web.pool.query<{ actor: string; detail: string }>(
    'SELECT actor, detail FROM audit WHERE action = $1 ORDER BY seq DESC LIMIT 1',
    [action],
  );
  const [row] = rows;
  return row && { actor: row.actor, detail: JSON.parse(row.detail) as unknown };
};

describe('the gate before Apply', () => {
  it('refuses a run without checks, with those of another revision, or from before a run or a day', async () => {
    const planId = await scene.storePlan();
    const refusal = (message: RegExp) => ({
      code: 'precondition-failed',
      message: expect.stringMatching(message) as string,
    });
    await database.worker.pool.query('DELETE FROM job WHERE site_id = $1', [siteId]);
    await expect(createRun(admin, { planId })).rejects.toMatchObject(refusal(/Run the checks first/));
    await check({ revision: 7 });
    await expect(createRun(admin, { planId })).rejects.toMatchObject(refusal(/revision 1.*revision 7/));
    await check({});
    await database.worker.pool.query(
      `UPDATE job SET created_at = created_at - interval '25 hours' WHERE site_id = $1`,
      [siteId],
    );
    await expect(createRun(admin, { planId })).rejects.toMatchObject(refusal(/older than 1 d/));
    await check({});
    await createRun(admin, { planId });
    await endRun();
    await database.worker.pool.query('UPDATE plan SET created_at = clock_timestamp() WHERE id = $1', [
      planId,
    ]);
    await expect(createRun(admin, { planId })).rejects.toMatchObject(refusal(/run has changed the hosts/));
    await check({});
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
  });

  it('refuses a run while a check is red, and lists the red ones by host', async () => {
    const planId = await planWith([cell('memory', 'fail'), cell('cpu', 'warn'), cell('arch', 'ok')]);
    const error: unknown = await createRun(admin, { planId }).catch((thrown: unknown) => thrown);
    if (!isAppError(error)) throw error;
    expect(error.code).toBe('precondition-failed');
    expect(error.message).toContain('Title of memory on s1');
    expect(error.fields).toEqual({ 's1 / memory': 'Title of memory: 1 GiB; wanted: 4 GiB' });
    await check({ cells: [cell('memory', 'ok', '8 GiB')] });
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
  });

  it('refuses a run while a host was not reached, also when one of its checks was run again', async () => {
    const planId = await scene.storePlan();
    const failure = { code: 'host-unreachable', message: 's1 is away.', nextAction: '' } as const;
    await check({ unreachable: [{ nodeId, failure }] });
    const refusal = { fields: { 's1 / reached': 'reached: s1 is away.; wanted: an answer' } };
    await expect(createRun(admin, { planId })).rejects.toMatchObject(refusal);
    await again('memory', [cell('memory', 'ok')]);
    await expect(createRun(admin, { planId })).rejects.toMatchObject(refusal);
    await check({ scope: { nodeIds: [nodeId], checkIds: null }, cells: [cell('memory', 'ok')] });
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
  });

  it('lets an uninstall through without checks', async () => {
    const leaving = createRunScene(database, siteId, [{ nodeId }], 'uninstall');
    const planId = await leaving.storePlan();
    await check({ cells: [cell('memory', 'fail')] });
    expect(await createRun(admin, { planId })).toMatchObject({ kind: 'uninstall' });
  });

  it('takes one cell that was run again for the whole, but none of another revision', async () => {
    const planId = await planWith([cell('memory', 'fail'), cell('swap', 'ok', 'off')]);
    await again('memory', [cell('memory', 'ok')], 2);
    await expect(createRun(admin, { planId })).rejects.toThrow(/1 failing check/);
    await again('swap', [cell('swap', 'fail', 'on')]);
    await expect(createRun(admin, { planId })).rejects.toThrow(/2 failing checks/);
    await again('memory', [cell('memory', 'ok', '8 GiB')]);
    await again('swap', []);
    const { result } = await getChecks(admin, { siteId });
    expect(result?.cells.map(({ checkId, value }) => [checkId, value])).toEqual([['memory', '8 GiB']]);
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
  });
});

describe('an override', () => {
  it('lets its red check pass for one run, with its reason in the audit and the log', async () => {
    const planId = await planWith([cell('memory', 'fail')]);
    const { id } = await override('memory');
    expect(await auditOf('check.override')).toEqual({
      actor: admin.actor.email,
      detail: { overrideId: id, nodeId, checkId: 'memory', value: '1 GiB', reason: REASON },
    });
    expect((await getChecks(admin, { siteId })).refusal).toBeNull();
    const { id: runId } = await createRun(admin, { planId });
    const { events } = await listRunEvents(admin, { runId });
    const title = 'Title of memory';
    const by = admin.actor.email;
    const said = { nodeId, checkId: 'memory', title, value: '1 GiB', reason: REASON, by };
    expect(events[0]?.body).toMatchObject({ type: 'run.queued', overrides: [said] });
    expect((await auditOf('run.create'))?.detail).toMatchObject({ overrides: [id] });
    expect((await getChecks(admin, { siteId })).overrides).toMatchObject([{ id, state: 'used', runId }]);
    await expect(revokeOverride(admin, { siteId, overrideId: id })).rejects.toThrow(/started with/);

    await endRun();
    const next = await planWith([cell('memory', 'fail')]);
    await expect(createRun(admin, { planId: next })).rejects.toThrow(/1 failing check/);
  });

  it('is for what the check had found: it lapses when that changes, and does not come back with it', async () => {
    const planId = await planWith([cell('memory', 'fail')]);
    await override('memory');
    await again('memory', [cell('memory', 'fail')]);
    expect((await getChecks(admin, { siteId })).blockers).toEqual([]);
    await again('memory', [cell('memory', 'fail', '512 MiB')]);
    await expect(createRun(admin, { planId })).rejects.toThrow(/1 failing check/);
    await again('memory', [cell('memory', 'fail')]);
    const { overrides, blockers } = await getChecks(admin, { siteId });
    expect(overrides).toMatchObject([{ state: 'lapsed' }]);
    expect(blockers).toHaveLength(1);
    await expect(createRun(admin, { planId })).rejects.toThrow(/1 failing check/);
    await override('memory');
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
  });

  it('is for all that was found, of which a long list shows only the beginning', async () => {
    const planId = await planWith([cell('memory', 'fail', '1 GiB', 'whole-1')]);
    await override('memory');
    await again('memory', [cell('memory', 'fail', '1 GiB', 'whole-1')]);
    expect((await getChecks(admin, { siteId })).blockers).toEqual([]);
    await again('memory', [cell('memory', 'fail', '1 GiB', 'whole-2')]);
    await expect(createRun(admin, { planId })).rejects.toThrow(/1 failing check/);
    await again('memory', [cell('memory', 'fail', '1 GiB', 'whole-1')]);
    expect((await getChecks(admin, { siteId })).overrides).toMatchObject([{ state: 'lapsed' }]);
    await expect(createRun(admin, { planId })).rejects.toThrow(/1 failing check/);
  });

  it('from before wholes were kept goes by what was shown', async () => {
    const planId = await planWith([cell('memory', 'fail')]);
    await override('memory');
    await again('memory', [cell('memory', 'fail', '1 GiB', 'whole-1')]);
    expect(await createRun(admin, { planId })).toMatchObject({ state: 'queued' });
  });

  it('is for that check and that node alone', async () => {
    const planId = await planWith([cell('memory', 'fail'), cell('swap', 'fail')]);
    await override('memory');
    await again('cpu', [cell('cpu', 'fail')]); // says nothing about memory
    await expect(createRun(admin, { planId })).rejects.toMatchObject({
      fields: { 's1 / swap': expect.any(String) as string, 's1 / cpu': expect.any(String) as string },
    });
    expect((await getChecks(admin, { siteId })).overrides).toMatchObject([{ state: 'active' }]);
  });

  it('can be taken back, once', async () => {
    const planId = await planWith([cell('memory', 'fail')]);
    const { id } = await override('memory');
    await revokeOverride(admin, { siteId, overrideId: id });
    expect((await auditOf('check.override-revoke'))?.detail).toMatchObject({ overrideId: id });
    await expect(createRun(admin, { planId })).rejects.toThrow(/1 failing check/);
    await expect(revokeOverride(admin, { siteId, overrideId: id })).rejects.toThrow(/already/);
    expect((await getChecks(admin, { siteId })).overrides).toEqual([]);
  });

  it('wants a typed reason, a red cell, and the value that was read', async () => {
    await planWith([cell('memory', 'fail'), cell('cpu', 'warn')]);
    const short = { siteId, nodeId, checkId: 'memory', value: '1 GiB', reason: '   too few  ' };
    await expect(overrideCheck(admin, short)).rejects.toMatchObject({ code: 'invalid' });
    await expect(override('cpu')).rejects.toThrow(/is not a failing check/);
    await expect(override('nothing')).rejects.toMatchObject({ code: 'not-found' });
    await expect(override('memory', '2 GiB')).rejects.toThrow(/something else meanwhile: 1 GiB/);
    const cut = { siteId, nodeId, checkId: 'memory', value: '1 GiB', valueHash: 'other', reason: REASON };
    await expect(overrideCheck(admin, cut)).rejects.toThrow(/something else meanwhile/);
    await override('memory');
    await expect(override('memory')).rejects.toThrow(/already/);
  });

  it('stays as it was said: the web may use it or take it back, nothing else', async () => {
    await planWith([cell('memory', 'fail')]);
    const { id } = await override('memory');
    for (const sql of [
      `UPDATE check_override SET reason = 'x' WHERE id = $1`,
      `UPDATE check_override SET value = 'x' WHERE id = $1`,
      'DELETE FROM check_override WHERE id = $1',
    ]) {
      await expect(database.web.pool.query(sql, [id]), sql).rejects.toThrow(/permission denied/);
    }
  });
});

describe('checks again', () => {
  it('are filed for some cells only beside all of the newest revision', async () => {
    const some = { kind: 'preflight' as const, siteId, nodeIds: [nodeId], checkIds: ['memory'] };
    await expect(createJob(admin, some)).rejects.toThrow(/Run the checks first/);
    await check({});
    const job = await createJob(admin, some);
    const { rows } = await database.web.pool.query('SELECT params FROM job WHERE id = $1', [job.id]);
    expect(rows).toEqual([
      { params: { kind: 'preflight', revision: 1, nodeIds: [nodeId], checkIds: ['memory'] } },
    ]);
    expect(await getChecks(admin, { siteId })).toMatchObject({
      job: { id: job.id, state: 'queued' },
      scope: { nodeIds: [nodeId], checkIds: ['memory'] },
    });
    await expect(createJob(admin, { ...some, nodeIds: ['n-other'] })).rejects.toThrow(/no node n-other/);
    await expect(createJob(admin, { ...some, checkIds: ['luck'] })).rejects.toThrow(/no check luck/);
    const { topology, etag } = await getTopology(admin, { siteId });
    await putTopology(admin, { siteId, topology: { ...topology, notes: 'new' }, etag });
    await expect(createJob(admin, some)).rejects.toThrow(/topology changed/);
    expect((await getChecks(admin, { siteId })).stale).toMatch(/revision 2/);
  });
});
