import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertRun, insertSite } from '@/lib/testing/factories';
import { adoptRun } from '@/lib/testing/engine-rig';
import { startFakeHost, type FakeHost } from '@/lib/testing/fake-host';
import { RecordedRun, restoreRun } from '@/lib/testing/recorded-run';
import { recordState, RECORDED_STATES } from '@/lib/testing/record-states';
import { createTestDatabase, type TestDatabase } from '@/lib/testing/test-database';
import { waitFor } from '@/lib/testing/wait-for';

/*
 * I12: a control plane that is upgraded in the middle of a run. Each fixture is what a worker of an earlier release left
 * in the database and on the host; the engine of today takes it up and finishes it.
 */

const FIXTURES = join(import.meta.dirname, '__fixtures__');
const RELEASES = readdirSync(FIXTURES).filter((name) => name.startsWith('release-'));
/** The one state in which the host is found with half an act, so that the probe lets it run again. */
const INTERRUPTED = 'acting-interrupted';

let test: TestDatabase;
let owner: Pool;
beforeAll(async () => {
  test = await createTestDatabase();
  owner = new Pool({ connectionString: test.ownerUrl, max: 2 });
  // Epochs only grow, in a database that was there before the upgrade.
  await owner.query(`SELECT setval('epoch_seq', 1000)`);
});
afterAll(async () => {
  await owner.end();
  await test.drop();
});

function toLines(name: string, count: number): string {
  return Array.from({ length: count }, (_, at) => `${name} ${String(at + 1).padStart(6, '0')} line\n`).join(
    '',
  );
}

/** An act that was running runs again: from its files, by the runner of the release that had started it. */
async function resumeAct({ root }: FakeHost, subject: string): Promise<void> {
  const base = join(root, 'var/lib/siteplan-host');
  const key = (await readdir(join(base, 'acts'))).find((name) => name.includes(subject)) ?? '';
  const [runner = ''] = (await readdir(base)).filter((name) => name.startsWith('runner-'));
  const act = join(base, 'acts', key);
  for (const name of ['boot', 'child']) await rm(join(act, name));
  await truncate(join(act, 'journal'), 0);
  await writeFile(join(root, 'ledger'), 'before\n');
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', NODE_ENV: 'test' as const };
  const args = [join(base, runner), 'exec', root, key, 'setsid', '60'];
  spawn('setsid', ['sh', ...args], { env, stdio: 'ignore', detached: true }).unref();
  // As far as the log of the run has it already.
  await waitFor(async () => (await readFile(join(act, 'journal'), 'utf8')).length >= 20, { what: 'the act' });
}

async function takeUp(recorded: RecordedRun): Promise<void> {
  const host = await startFakeHost('s1');
  try {
    const subject = recorded.plan.steps[1]?.id ?? '';
    const siteId = await insertSite(test.worker.pool);
    const { rows } = await owner.query<{ plan_id: string }>('SELECT plan_id FROM run WHERE id = $1', [
      await insertRun(owner, siteId, []),
    ]);
    await owner.query('DELETE FROM run WHERE site_id = $1', [siteId]);
    await owner.query('DELETE FROM run WHERE id = $1', [recorded.runId]);
    const planId = rows[0]?.plan_id ?? '';
    await restoreRun(owner, recorded, { siteId, planId, root: host.root });
    if (recorded.state === 'acting-running') await resumeAct(host, subject);
    if (recorded.state === 'retried') {
      await owner.query(`UPDATE run SET state = 'queued' WHERE id = $1`, [recorded.runId]);
      await owner.query(`UPDATE run_step SET state = 'waiting' WHERE run_id = $1 AND state = 'failed'`, [
        recorded.runId,
      ]);
    }
    const hosts = [{ nodeId: 'n-0', target: host.target, root: host.root }];
    const rig = adoptRun(test.worker, { ...recorded, siteId, hosts });
    const hasFailed = recorded.state === 'failed';
    expect(await rig.execute()).toBe(hasFailed ? 'failed' : 'done');
    const names = hasFailed ? ['before'] : ['before', 'subject', 'after'];
    if (recorded.state === INTERRUPTED) names.splice(1, 0, 'subject');
    expect(await rig.ledgerOf('n-0')).toEqual(names);
    if (hasFailed) return;
    expect(await rig.logOf(subject)).toBe(toLines('subject', 30));
    expect(await readdir(join(host.root, 'var/lib/siteplan-host/acts'))).toEqual([]);
    expect(await readFile(join(host.root, 'ledger.done/after'), 'utf8')).toBe('');
  } finally {
    await host.stop();
  }
}

describe.concurrent.each(RELEASES)('a run that %s left', (release) => {
  it.for(readdirSync(join(FIXTURES, release)))('in %s is finished by this one', async (name) => {
    const text = readFileSync(join(FIXTURES, release, name), 'utf8');
    await takeUp(RecordedRun.parse(JSON.parse(text)));
  });
});

describe.concurrent('a run that this release left', () => {
  it.for(RECORDED_STATES)('in %s is finished by the next', async (state) => {
    await takeUp(await recordState(test.worker, { pool: owner }, { release: 'today', state }));
  });
});
