import { describeProcesses, listMarked } from './leftovers';
import type { RunRecord } from './run-record';
import type { Lane, SoakRig } from './soak-rig';
import type { Trial } from './trial';
import { waitFor } from '@/lib/testing/wait-for';

const SETTLE_MS = 5_000;
const RUN_LIMIT_MS = 180_000;

export interface TrialsOptions {
  readonly rig: SoakRig;
  readonly count: number;
  /** Trials that go on at the same time. */
  readonly lanes: number;
  readonly say: (line: string) => void;
  readonly prepare?: (lane: Lane) => Promise<void>;
  /** One trial: a line per broken promise. What it throws is one too. */
  readonly work: (lane: Lane, index: number) => Promise<readonly string[]>;
}

/** Does numbered trials in lanes beside each other; returns every broken promise. */
export async function runTrials(options: TrialsOptions): Promise<string[]> {
  const { rig, count, say, prepare, work } = options;
  const found: string[] = [];
  let next = 0;
  let finished = 0;
  const runLane = async (): Promise<void> => {
    const lane = await rig.openLane();
    await prepare?.(lane);
    while (next < count) {
      const index = next;
      next += 1;
      const broken = await work(lane, index).catch((error: unknown) => [
        `trial ${index}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      ]);
      finished += 1;
      found.push(...broken);
      for (const line of broken) say(line);
      if (finished % 10 === 0 || finished === count)
        say(`${finished} of ${count}, ${found.length} violations`);
    }
    found.push(...lane.findFaults());
  };
  await Promise.all(Array.from({ length: Math.min(options.lanes, count) }, runLane));
  return found;
}

/** Waits for the end of a trial's run, then until nothing of it runs on the host any more; says what stays. */
export async function collectEnded(lane: Lane, trial: Trial, limitMs = RUN_LIMIT_MS): Promise<RunRecord> {
  await waitFor(trial.isOver, {
    what: `the run ${trial.runId} to end`,
    timeoutMs: limitMs,
    everyMs: 50,
  }).catch(
    () => undefined, // the checker says that the state is wrong
  );
  const isQuiet = async () => (await listMarked(lane.mark)).length === 0;
  await waitFor(isQuiet, { what: 'the host to be quiet', timeoutMs: SETTLE_MS, everyMs: 100 }).catch(
    () => undefined,
  );
  const record = await trial.collect();
  const processes = await describeProcesses(await listMarked(lane.mark));
  return { ...record, leftovers: [...record.leftovers, ...processes] };
}
