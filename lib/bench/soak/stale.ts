import { prepareRunner } from '@/lib/provision/host-runner';
import { connectHost } from '@/lib/ssh/connect-host';
import { HostError } from '@/lib/ssh/host-error';
import { RIG_INSTALLATION, RIG_POLICY } from '@/lib/testing/engine-rig';
import { waitFor } from '@/lib/testing/wait-for';
import { checkRun, type RunRecord } from './run-record';
import { collectEnded, runTrials } from './run-trials';
import type { Soak } from './soak';
import { startSoakRig, type Lane } from './soak-rig';
import type { SoakWorker } from './spawn-worker';
import type { Trial } from './trial';

const HOUR_MS = 3_600_000;
const DROP_LIMIT_MS = 60_000;

/** Two ways for a worker to lose its lease without knowing. */
const WAYS = ['stopped', 'cut off from PostgreSQL'] as const;

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

/** Takes the worker out until another has finished two steps, then lets it come back and see. */
async function outlive(lane: Lane, trial: Trial, way: (typeof WAYS)[number]): Promise<SoakWorker> {
  const [first, third] = await Promise.all([trial.hold('act', 'a'), trial.hold('act', 'c')]);
  await trial.queue();
  await first.at();
  const stale = await waitFor(() => lane.findOwner(trial.siteId), { what: 'an owner' });
  if (way === 'stopped') stale.pause();
  else stale.wire.blackHole();
  await first.release();
  await third.at();
  const heard = stale.wire.bytesDown();
  if (way === 'stopped') stale.resume();
  else stale.wire.heal();
  // It has asked the database for something, and been answered.
  await waitFor(() => stale.wire.bytesDown() > heard, {
    what: 'the stale worker to be back',
    timeoutMs: DROP_LIMIT_MS,
  });
  await third.release();
  return stale;
}

async function tryStale(lane: Lane, index: number): Promise<string[]> {
  const way = WAYS[index % WAYS.length] ?? 'stopped';
  // By lane, because clocks cannot be changed on the way.
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
export function createStaleSoak(options: { readonly ttlMs: number }): Soak {
  return {
    name: 'stale',
    title: 'a worker that outlives its lease changes nothing and lets go (I4)',
    count: 20,
    run: async ({ count, say }) => {
      const rig = await startSoakRig(options);
      let lanes = 0;
      const prepare = async (lane: Lane) => {
        lanes += 1;
        await startWorkers(lane, lanes % 2 === 0);
      };
      try {
        return await runTrials({ rig, count, lanes: 2, say, prepare, work: tryStale });
      } finally {
        await rig.stop();
      }
    },
  };
}
