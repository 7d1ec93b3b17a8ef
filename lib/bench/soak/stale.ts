import { prepareRunner } from '@/lib/provision/host-runner';
import { connectHost } from '@/lib/ssh/connect-host';
import { HostError } from '@/lib/ssh/host-error';
import { RIG_INSTALLATION, RIG_POLICY } from '@/lib/testing/engine-rig';
import { waitFor } from '@/lib/testing/wait-for';
import { installGates, shutGate } from './gate';
import { checkRun, type RunRecord } from './run-record';
import { collectEnded, runTrials } from './run-trials';
import type { Soak } from './soak';
import { startSoakRig, type Lane } from './soak-rig';
import type { SoakWorker } from './spawn-worker';
import type { Trial } from './trial';

const HOUR_MS = 3_600_000;
const DROP_LIMIT_MS = 30_000;

/** Ways for a worker to lose its lease without knowing. */
export const WAYS = ['stopped', 'cut off from PostgreSQL', 'stopped in the middle of a write'] as const;
export type StaleWay = (typeof WAYS)[number];

async function startWorkers(lane: Lane, isShifted: boolean): Promise<void> {
  if (lane.workers().length > 0) return;
  const shifts = isShifted ? [HOUR_MS, -HOUR_MS] : [0, 0];
  await Promise.all(shifts.map((clockShiftMs) => lane.spawnWorker(isShifted ? { clockShiftMs } : {})));
}

function findEpochOf({ events }: RunRecord, holder: string): bigint | null {
  return events.find(({ body }) => body.type === 'run.claimed' && body.worker === holder)?.epoch ?? null;
}

/** What a worker of that epoch hears from the host when it next wants something of it. */
async function callUnder(epoch: bigint, { host }: Trial): Promise<string> {
  const connection = await connectHost(host.target, { policy: RIG_POLICY });
  try {
    const identity = { installationId: RIG_INSTALLATION, epoch, root: host.root };
    await prepareRunner(connection, connection.openShell(), identity);
    return 'accepted';
  } catch (error) {
    return error instanceof HostError ? error.code : String(error);
  } finally {
    connection.close();
  }
}

/** Whether a worker can claim the site again: not as long as it believes that it owns it. */
async function canClaimAgain(lane: Lane, { siteId }: Trial, worker: SoakWorker): Promise<boolean> {
  const others = lane.workers().filter((one) => one !== worker);
  const isFree = async () => (await lane.findOwner(siteId)) === null;
  await waitFor(isFree, { what: 'the site to be let go of' });
  for (const other of others) other.pause();
  const next = await lane.createTrial({ siteId, steps: [{ name: 'next' }] });
  try {
    await waitFor(next.isOver, { what: 'the next run', timeoutMs: DROP_LIMIT_MS, everyMs: 100 });
    return findEpochOf(await next.collect(), worker.holder) !== null;
  } catch {
    return false;
  } finally {
    for (const other of others) other.resume();
    await next.remove();
  }
}

/** Takes the owner out while it follows an act and writes nothing. */
async function takeOut(lane: Lane, trial: Trial, how: (worker: SoakWorker) => void): Promise<SoakWorker> {
  const first = await trial.hold('act', 'a');
  await trial.queue();
  await first.at();
  await waitFor(async () => (await trial.countEvents('step.act-started')) > 0, {
    what: 'the start of an act',
  });
  const stale = await waitFor(() => lane.findOwner(trial.siteId), { what: 'an owner' });
  how(stale);
  await first.release();
  return stale;
}

/** Stops the owner between two statements of a transaction, so that its connection holds the row of the run. */
async function stopInWrite(lane: Lane, trial: Trial): Promise<SoakWorker> {
  const gate = await shutGate(lane.database, { runId: trial.runId, type: 'step.probed', at: 'insert' });
  await trial.queue();
  await gate.reached();
  const stale = await waitFor(() => lane.findOwner(trial.siteId), { what: 'an owner' });
  stale.pause();
  await gate.open();
  return stale;
}

/** Takes the worker out until another has finished two steps, then lets it come back and see. */
async function outlive(lane: Lane, trial: Trial, way: StaleWay): Promise<SoakWorker> {
  const third = await trial.hold('act', 'c');
  const stale = await (way === 'stopped in the middle of a write'
    ? stopInWrite(lane, trial)
    : takeOut(lane, trial, (worker) => (way === 'stopped' ? worker.pause() : worker.wire.blackHole())));
  await third.at();
  const heard = stale.wire.bytesDown();
  if (way === 'cut off from PostgreSQL') stale.wire.heal();
  else stale.resume();
  // It has asked the database for something, and been answered.
  await waitFor(() => stale.wire.bytesDown() > heard, {
    what: 'the stale worker to be back',
    timeoutMs: DROP_LIMIT_MS,
  });
  await third.release();
  return stale;
}

async function tryStale(lane: Lane, way: StaleWay): Promise<string[]> {
  const steps = [{ name: 'a', lines: 10, pauseS: '0.05' }, { name: 'b' }, { name: 'c' }, { name: 'd' }];
  const trial = await lane.createTrial({ steps, isHeld: true });
  const stale = await outlive(lane, trial, way);
  const record = await collectEnded(lane, trial);
  const found = checkRun(record, { states: ['done'], acts: 'once' });
  const epoch = findEpochOf(record, stale.holder);
  if (epoch === null || record.events.every((event) => event.epoch === epoch)) {
    const claims = record.events.flatMap(({ epoch: at, body }) =>
      body.type === 'run.claimed' ? `${body.worker} ${at}` : [],
    );
    found.push(`nobody took the run over from ${stale.holder}; it was claimed by ${claims.join(', ')}`);
  } else {
    const answer = await callUnder(epoch, trial);
    if (answer !== 'stale-epoch') found.push(`I4 the host answers the stale epoch ${epoch}: ${answer}`);
  }
  if (!(await canClaimAgain(lane, trial, stale)))
    found.push(`I4 ${stale.holder} does not let go of the site`);
  await trial.remove();
  return found.map((line) => `${way}: ${line}`);
}

/** Workers that come back from the dead: SIGSTOP past the lease, cut off from PostgreSQL, with clocks an hour wrong. */
export function createStaleSoak(options: {
  readonly ttlMs: number;
  readonly ways?: readonly StaleWay[];
}): Soak {
  const { ways = WAYS } = options;
  return {
    name: 'stale',
    title: 'a worker that outlives its lease changes nothing and lets go (I4)',
    count: 20,
    run: async ({ count, say }) => {
      const rig = await startSoakRig(options);
      let lanes = 0;
      const prepare = async (lane: Lane) => {
        lanes += 1;
        const isShifted = lanes % 2 === 0;
        await installGates(lane.database);
        await startWorkers(lane, isShifted);
      };
      // Round about, so that each lane, with right clocks or wrong ones, sees each way.
      const work = (lane: Lane, index: number) =>
        tryStale(lane, ways[Math.floor(index / 2) % ways.length] ?? 'stopped');
      try {
        return await runTrials({ rig, count, lanes: 2, say, prepare, work });
      } finally {
        await rig.stop();
      }
    },
  };
}
