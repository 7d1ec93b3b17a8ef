import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RigHost } from './engine-rig';
import { startFakeHost } from './fake-host';
import type { TestStep } from './ledger-step';
import {
  driveClean,
  driveEachStepTwice,
  driveEverything,
  driveFailureAtEachStep,
  driveKillAtEachStep,
  type PlanUnderTest,
} from './plan-drivers';
import { buildEngineProcess, type EngineProcesses } from './spawn-engine';
import { createTestDatabase, type TestDatabase } from './test-database';

let test: TestDatabase;
let engines: EngineProcesses;
beforeAll(async () => {
  [test, engines] = await Promise.all([createTestDatabase(), buildEngineProcess()]);
});
afterAll(async () => {
  await engines?.remove();
  await test?.drop();
});

async function makeHosts() {
  const fakes = await Promise.all(['s1', 's2'].map((name) => startFakeHost(name)));
  const hosts = fakes.map(({ target, root }, index): RigHost => ({ nodeId: `n-${index}`, target, root }));
  const stop = async () => {
    await Promise.all(fakes.map((fake) => fake.stop()));
  };
  return { hosts, stop };
}

/** What has been done at all: a name per step. */
async function listDone(hosts: readonly RigHost[]): Promise<string[]> {
  const list = async ({ root }: RigHost) => {
    const dir = join(root, 'ledger.done');
    return existsSync(dir) ? (await readdir(dir)).sort().join(' ') : '';
  };
  return Promise.all(hosts.map(list));
}

/** What was really executed, as often as it was: one line per act. */
async function readLedgers(hosts: readonly RigHost[]): Promise<string[]> {
  const read = async ({ root }: RigHost) => {
    const path = join(root, 'ledger');
    return existsSync(path) ? readFile(path, 'utf8') : '';
  };
  return Promise.all(hosts.map(read));
}

const note = (nodeId: string, name: string, more: Partial<TestStep> = {}): TestStep => ({
  nodeId,
  params: { name, lines: 2, pauseS: '0.05' },
  ...more,
});
const STEPS = [note('n-0', 'a'), note('n-1', 'b', { dependsOn: [0] }), note('n-0', 'c', { dependsOn: [1] })];

function toPlan(more: Partial<PlanUnderTest> = {}): PlanUnderTest {
  const databaseUrl = test.urlFor('siteplan_worker');
  return {
    db: test.worker,
    databaseUrl,
    steps: STEPS,
    makeHosts,
    snapshot: listDone,
    trials: 'one-run',
    ...more,
  };
}

describe.concurrent('the drivers in one run', () => {
  it('find nothing where every step is as it should be, on hosts that wait for each other', async () => {
    const { violations, golden } = await driveEverything(toPlan(), engines);
    expect(violations).toEqual([]);
    expect(golden.text).toContain('2. n-1: Note b  [test.ledger]');
    expect(JSON.parse(golden.snapshot)).toEqual(['a c', 'b']);
  });

  it('of failures execute the work of each step once, before which it fails and after which it fails', async () => {
    expect(await driveFailureAtEachStep(toPlan({ snapshot: readLedgers }))).toEqual([]);
  });

  it('of kills execute each step once', async () => {
    expect(await driveKillAtEachStep(toPlan({ snapshot: readLedgers }), engines)).toEqual([]);
  });
});

describe.concurrent('the drivers find', () => {
  it('a step that leaves something else when it acts twice', async () => {
    const [found = ''] = await driveEachStepTwice(toPlan({ snapshot: readLedgers }));
    expect(found).toMatch(/^each step twice: the hosts differ:\n\+ "a\\na\\nc\\nc\\n"/);
  });

  it('hosts whose facts make another plan', async () => {
    const other: TestStep = { nodeId: 'n-0', kind: 'test.ledger-uncut', params: { name: 'a' } };
    const golden = driveClean(toPlan({ steps: async () => [other] }));
    await golden;
    const found = await driveFailureAtEachStep(toPlan({ steps: async () => STEPS.slice(0, 1) }), golden);
    expect(found).toEqual([
      'failures before and after each step: planned test.ledger instead of test.ledger-uncut',
    ]);
  });

  it('a step that fails by itself: nothing can be said then', async () => {
    const broken = [{ nodeId: 'n-0', params: { name: 'broken', exitCode: 3 } }];
    await expect(driveClean(toPlan({ steps: broken }))).rejects.toThrow(
      /undisturbed run ended failed:[^]*step-exit/,
    );
  });

  it('which trial of its own went wrong', async () => {
    let looks = 0;
    // Two looks at the undisturbed hosts, one at those of the failure before the step, then those of the one after.
    const snapshot = async (hosts: readonly RigHost[]) => ((looks += 1) > 3 ? 'other' : listDone(hosts));
    const isTried = (index: number, total: number) => index === total - 1;
    const found = await driveFailureAtEachStep(toPlan({ trials: 'one-each', isTried, snapshot }));
    expect(found.map((line) => line.split(':')[0])).toEqual(['failure after step 2']);
  });
});
