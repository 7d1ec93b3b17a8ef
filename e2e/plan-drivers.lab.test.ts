import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLabSupport } from '@/e2e/lab/support';
import { driveEverything, driveFailureAtEachStep } from '@/lib/testing/plan-drivers';
import { startDriverLab, type DriverLab } from './support/driver-lab';
import { PLAN_CASES } from './support/plan-cases';
import { resetHost, saveHost } from './support/reset-host';

const unsupported = checkLabSupport();

describe.skipIf(unsupported !== null)('the drivers over every kind of plan', () => {
  let drivers: DriverLab;

  beforeAll(async () => {
    drivers = await startDriverLab('plan-drivers');
  });
  afterAll(() => drivers?.stop());

  // In order: each case begins where the one before it ended.
  it.for(PLAN_CASES)('$name: each step twice, failing and killed comes to the same hosts', async (each) => {
    const { violations, golden } = await driveEverything(drivers.toPlan(each), drivers.engines);
    expect(violations).toEqual([]);
    await expect(golden.text).toMatchFileSnapshot(`./__golden__/run-${each.name}.txt`);
  });

  it('a host can be put back to where a trial began', async () => {
    const { lab } = drivers;
    const has = async (path: string) => (await lab.exec('pd-clean', ['test', '-e', path])).code === 0;
    const run = (script: string) => lab.exec('pd-clean', ['sh', '-c', script]);
    await saveHost(lab, 'pd-clean', 'untouched');
    await run('echo before > /etc/before; rm /etc/issue.net');
    await saveHost(lab, 'pd-clean', 'changed');
    await run('rm /etc/before; echo after > /etc/after; echo after > /etc/issue.net');
    expect([await has('/etc/before'), await has('/etc/after')]).toEqual([false, true]);
    await resetHost(lab, 'pd-clean', 'changed');
    const paths = ['/etc/before', '/etc/after', '/etc/issue.net'];
    expect(await Promise.all(paths.map(has))).toEqual([true, false, false]);
    await resetHost(lab, 'pd-clean', 'untouched');
    expect(await Promise.all(paths.map(has))).toEqual([false, false, true]);
  });

  it('a run of its own for each trial finds the same', async () => {
    const reload = PLAN_CASES.find(({ name }) => name === 'reload');
    if (!reload) throw new Error('the case is gone');
    expect(await driveFailureAtEachStep(drivers.toDeepPlan(reload))).toEqual([]);
  });
});
