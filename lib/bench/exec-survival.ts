import { createEngineRig, type EngineRig } from '@/lib/testing/engine-rig';
import type { TestStep } from '@/lib/testing/ledger-step';
import { buildEngineProcess } from '@/lib/testing/spawn-engine';
import { waitFor } from '@/lib/testing/wait-for';
import type { BenchMetric, BenchOptions } from './bench';
import type { BenchDatabase } from './bench-database';
import type { BenchHosts } from './bench-hosts';

const LINES = 20;

function countOutput(events: Awaited<ReturnType<EngineRig['events']>>, stepId: string): number {
  return events.filter((event) => event.type === 'step.output' && event.stepId === stepId).length;
}

/**
 * Three acts: the engine is killed (KILL) in the first, the host rebooted in the second where it is a lab host. 1 when
 * each act ran once, the rebooted one twice because its first try was cut, and no line is lost or doubled.
 */
export async function measureSurvival(
  { hosts, lab, kind }: BenchHosts,
  database: BenchDatabase,
  say: BenchOptions['say'],
): Promise<BenchMetric> {
  const [host] = hosts;
  if (!host) throw new Error('no host');
  say('kill -9 of the engine, then a reboot of the host');
  const names = ['killed', 'rebooted', 'after'];
  const steps = names.map((name): TestStep => ({
    nodeId: host.nodeId,
    params: { name, lines: LINES, pauseS: '0.1' },
  }));
  const rig = await createEngineRig(database.worker, [host], steps);
  const engines = await buildEngineProcess();
  const start = async () =>
    engines.spawn({
      databaseUrl: database.workerUrl,
      runId: rig.runId,
      epoch: (await rig.claim()).toString(),
      plan: rig.plan,
      hosts: [host],
    });
  const untilOutput = (at: number) =>
    waitFor(async () => countOutput(await rig.events(), rig.plan.steps[at]?.id ?? '') > 0, {
      what: `output of ${names[at] ?? ''}`,
      timeoutMs: 60_000,
    });
  try {
    const first = await start();
    await untilOutput(0);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await start();
    await untilOutput(1);
    await lab?.rebootHost(host.name);
    const { state } = await second.ended;
    const ledger = lab
      ? (await lab.exec(host.name, ['cat', '/ledger'])).stdout.trim().split('\n')
      : await rig.ledgerOf(host.nodeId);
    const expected = lab ? ['killed', 'rebooted', 'rebooted', 'after'] : names;
    const logs = await Promise.all(rig.plan.steps.map(({ id }) => rig.logOf(id)));
    const isWhole = logs.every((log) => log.split('\n').length === LINES + 1);
    const isRight = state === 'done' && ledger.join(' ') === expected.join(' ') && isWhole;
    return {
      name: 'survives_kill_and_reboot',
      value: isRight ? 1 : 0,
      unit: '',
      goal: 1,
      better: 'higher',
      detail: `${kind}: ended ${state}, acts ${ledger.join(', ')}; logs ${isWhole ? 'whole' : 'not whole'}${lab ? '' : '; no reboot without lab hosts'}`,
    };
  } finally {
    await engines.remove();
  }
}
