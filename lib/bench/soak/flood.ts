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
/** What a process takes once for its first output, and keeps, is no growth. */
const WARM_UP: readonly TrialStep[] = [{ name: 'warm-up', floodKind: 'lines', floodBytes: 6 * MIB }];
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

/** The most memory that the process ever held, MiB. */
async function readPeakMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
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

async function runSteps(
  lane: Lane,
  steps: readonly TrialStep[],
): Promise<{ medianMs: number; found: string[] }> {
  const trial = await lane.createTrial({ steps });
  await waitFor(trial.isOver, { what: 'a run beside the flood to end', timeoutMs: 120_000, everyMs: 20 });
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
  const cold = await readPeakMiB(worker.pid);
  const quiet = await runSteps(lane, SHORT_STEPS);
  await runSteps(lane, WARM_UP);
  const warm = await readPeakMiB(worker.pid);
  const trial = await lane.createTrial({ steps: toFloods(options) });
  await waitFor(async () => (await trial.countEvents('step.output')) > 0, {
    what: 'the flood',
    timeoutMs: 60_000,
  });
  const busy = await runSteps(lane, SHORT_STEPS);
  const isBeside = !(await trial.isOver());
  const record = await collectEnded(lane, trial, 600_000);
  const peak = await readPeakMiB(worker.pid);
  await trial.remove();
  const found = [...quiet.found, ...busy.found, ...checkRun(record, { states: ['done'], acts: 'once' })];
  const [growth, coldGrowth] = [peak - warm, peak - cold].map(Math.round);
  say(`memory of the worker grew by ${growth} MiB warm, ${coldGrowth} MiB cold`);
  if (peak - warm > GROWTH_LIMIT_MIB) found.push(`I9 the worker grew by ${growth} MiB`);
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
