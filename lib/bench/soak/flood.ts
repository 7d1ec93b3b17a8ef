import { readFile } from 'node:fs/promises';
import { waitFor } from '@/lib/testing/wait-for';
import { checkRun, type RunRecord } from './run-record';
import { collectEnded } from './run-trials';
import type { Soak, SoakOptions } from './soak';
import { startSoakRig, type Lane } from './soak-rig';
import type { SoakWorker } from './spawn-worker';
import type { TrialStep } from './trial';

const MIB = 1024 * 1024;
const GROWTH_LIMIT_MIB = 64;
const SLOWDOWN_LIMIT = 2;
const SHORT_STEPS: readonly TrialStep[] = Array.from({ length: 20 }, (_, at) => ({
  name: `short-${at}`,
  lines: 1,
}));

export interface FloodSoakOptions {
  readonly linesMiB: number;
  readonly lineMiB: number;
  readonly junkMiB: number;
  /** Whether to hold another run's steps to less than twice their time; not on a machine that others use too. */
  readonly isTimed: boolean;
}

/** Most that the process ever held, and what it holds now, MiB. */
async function readMemoryMiB(pid: number): Promise<{ peak: number; now: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { peak: read('VmHWM'), now: read('VmRSS') };
}

/** From `step.started` to `step.finished`, milliseconds, in the middle. */
export function findMedianStepMs({ events }: Pick<RunRecord, 'events'>): number {
  const durations = events.flatMap(({ body, atMs }) => {
    if (body.type !== 'step.finished') return [];
    const { stepId } = body;
    const started = events.find(
      (event) => event.body.type === 'step.started' && event.body.stepId === stepId,
    );
    return started ? [atMs - started.atMs] : [];
  });
  return durations.sort((a, b) => a - b)[Math.floor(durations.length / 2)] ?? 0;
}

async function runShortSteps(lane: Lane): Promise<{ medianMs: number; found: string[] }> {
  const trial = await lane.createTrial({ steps: SHORT_STEPS });
  await waitFor(trial.isOver, { what: 'the short run to end', timeoutMs: 120_000, everyMs: 20 });
  const record = await trial.collect();
  await trial.remove();
  return { medianMs: findMedianStepMs(record), found: checkRun(record, { states: ['done'], acts: 'once' }) };
}

function toFloods({ linesMiB, lineMiB, junkMiB }: FloodSoakOptions): TrialStep[] {
  return [
    { name: 'lines', floodKind: 'lines', floodBytes: linesMiB * MIB },
    { name: 'one-line', floodKind: 'one-line', floodBytes: lineMiB * MIB },
    { name: 'junk', floodKind: 'junk', floodBytes: junkMiB * MIB },
  ];
}

/** One worker, one flood, and another run of the same worker beside it. */
async function floodOnce(lane: Lane, worker: SoakWorker, options: FloodSoakOptions, say: SoakOptions['say']) {
  const cold = await readMemoryMiB(worker.pid);
  const quiet = await runShortSteps(lane);
  const warm = await readMemoryMiB(worker.pid);
  const trial = await lane.createTrial({ steps: toFloods(options) });
  await waitFor(async () => (await trial.countEvents('step.output')) > 0, {
    what: 'the flood',
    timeoutMs: 60_000,
  });
  const busy = await runShortSteps(lane);
  const isBeside = !(await trial.isOver());
  const record = await collectEnded(lane, trial, 600_000);
  const { peak } = await readMemoryMiB(worker.pid);
  await trial.remove();
  const found = [...quiet.found, ...busy.found, ...checkRun(record, { states: ['done'], acts: 'once' })];
  const [growth, coldGrowth] = [peak - warm.now, peak - cold.now].map(Math.round);
  say(`memory of the worker grew by ${growth} MiB warm, ${coldGrowth} MiB cold`);
  if (peak - warm.now > GROWTH_LIMIT_MIB) found.push(`I9 the worker grew by ${growth} MiB`);
  const slowdown = busy.medianMs / quiet.medianMs;
  const beside = isBeside ? 'beside the flood' : 'after the flood, which was too short to judge by';
  say(
    `steps of another run took ${quiet.medianMs.toFixed(0)} ms alone, ${busy.medianMs.toFixed(0)} ms ${beside}`,
  );
  if (options.isTimed && slowdown > SLOWDOWN_LIMIT) {
    found.push(`I9 steps of another run took ${slowdown.toFixed(1)} times as long beside the flood`);
  }
  return found;
}

/** Output without end: many lines, one endless line, no text at all. */
export function createFloodSoak(options: FloodSoakOptions): Soak {
  return {
    name: 'flood',
    title: '100 MB of log, a line of 50 MB, binary junk, beside another run (I9)',
    count: 1,
    run: async ({ count, say }) => {
      const rig = await startSoakRig({ ttlMs: 10_000 });
      const found: string[] = [];
      try {
        const lane = await rig.openLane();
        for (let trial = 0; trial < count; trial += 1) {
          const worker = await lane.spawnWorker();
          found.push(...(await floodOnce(lane, worker, options, say)));
          await worker.stop();
        }
        return [...found, ...lane.findFaults()];
      } finally {
        await rig.stop();
      }
    },
  };
}
