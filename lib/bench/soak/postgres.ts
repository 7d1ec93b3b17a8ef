import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@/lib/testing/wait-for';
import { checkRun } from './run-record';
import { collectEnded } from './run-trials';
import type { Soak, SoakOptions } from './soak';
import { startSoakRig, type Lane, type SoakRig } from './soak-rig';
import type { SoakWorker } from './spawn-worker';
import type { Trial, TrialStep } from './trial';

/** Runs that go on at the same time; as soon as one has ended the next begins, 50 and more in five minutes. */
const RUNS_AT_ONCE = 6;
const WORKERS = 2;
const RECOVERY_LIMIT_MS = 3_000;
/** More than a connection says while it is made. */
const RECOVERED_BYTES = 600;
const STEPS: readonly TrialStep[] = ['a', 'b', 'c'].map((name) => ({ name, lines: 20, pauseS: '0.1' }));

export interface PostgresSoakOptions {
  readonly ttlMs: number;
  /** Shortest and longest time between the restarts, and of the server being away, milliseconds. */
  readonly everyMs: readonly [number, number];
  readonly downMs: readonly [number, number];
  readonly slackMs: number;
}

const pickBetween = ([least, most]: readonly [number, number]) => least + Math.random() * (most - least);

/** How long after the server is back a worker gets an answer again; null when it does not for a minute. */
async function measureRecovery(worker: SoakWorker, backAtMs: number): Promise<number | null> {
  const before = worker.wire.bytesDown();
  const isBack = () => worker.wire.bytesDown() > before + RECOVERED_BYTES;
  return waitFor(isBack, { what: 'a worker to be back', timeoutMs: 60_000, everyMs: 10 }).then(
    () => performance.now() - backAtMs,
    () => null,
  );
}

async function restartAgainAndAgain(
  { rig, lane, options }: { rig: SoakRig; lane: Lane; options: PostgresSoakOptions },
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<string[]> {
  const found: string[] = [];
  for (let restart = 1; !stop.aborted; restart += 1) {
    await sleep(pickBetween(options.everyMs));
    const downMs = pickBetween(options.downMs);
    rig.cluster.kill();
    await sleep(downMs);
    await rig.cluster.start();
    const backAtMs = performance.now();
    const recoveries = await Promise.all(lane.workers().map((worker) => measureRecovery(worker, backAtMs)));
    const slowest = Math.max(...recoveries.map((tookMs) => tookMs ?? Number.POSITIVE_INFINITY));
    say(
      `restart ${restart}: away for ${Math.round(downMs)} ms, workers back after ${Math.round(slowest)} ms`,
    );
    if (slowest > RECOVERY_LIMIT_MS + options.slackMs) {
      found.push(`I6 after restart ${restart} a worker was back only after ${Math.round(slowest)} ms`);
    }
  }
  return found;
}

/** One backend of the workers each second, whichever. */
async function terminateBackends({ database }: Lane, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await sleep(1_000);
    await database.owner
      .query(
        `SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
          WHERE usename = 'siteplan_worker' ORDER BY random() LIMIT 1) AS one`,
      )
      .catch(() => undefined); // the server is away just now
  }
}

/** The listening connection of a worker goes half-open: nothing comes any more, and nothing says so. */
async function freezeListeners(lane: Lane, stop: AbortSignal): Promise<void> {
  for (let turn = 0; !stop.aborted; turn += 1) {
    await sleep(3_000);
    lane.workers()[turn % WORKERS]?.wire.freeze('LISTEN');
  }
}

async function runAgainAndAgain(lane: Lane, stop: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  const one = async (): Promise<void> => {
    while (!stop.aborted) {
      // The database may be away just now.
      const trial: Trial = await waitFor(() => lane.createTrial({ steps: STEPS }), {
        what: 'a run to be queued',
      });
      await waitFor(trial.isOver, { what: 'a run to end', timeoutMs: 300_000, everyMs: 200 }).catch(
        () => undefined,
      );
      const record = await waitFor(() => trial.collect(), { what: 'the record of a run' });
      found.push(...checkRun(record, { states: ['done'], acts: 'once' }));
      await trial.remove();
    }
  };
  await Promise.all(Array.from({ length: RUNS_AT_ONCE }, one));
  return found;
}

async function tormentFor(options: PostgresSoakOptions, { count, say }: SoakOptions): Promise<string[]> {
  const rig = await startSoakRig({ ttlMs: options.ttlMs });
  const stop = new AbortController();
  try {
    const lane = await rig.openLane();
    await Promise.all(Array.from({ length: WORKERS }, () => lane.spawnWorker()));
    const timer = sleep(count * 1_000).then(() => stop.abort());
    const [late, broken] = await Promise.all([
      restartAgainAndAgain({ rig, lane, options }, stop.signal, say),
      runAgainAndAgain(lane, stop.signal),
      terminateBackends(lane, stop.signal),
      freezeListeners(lane, stop.signal),
      timer,
    ]);
    // One more, undisturbed: whatever was hurt has healed.
    const last = await lane.createTrial({ steps: [{ name: 'last' }] });
    const record = await collectEnded(lane, last, 60_000);
    const { rows } = await lane.database.owner.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM run WHERE state = 'done'`,
    );
    say(`${rows[0]?.n ?? 0} runs are done`);
    return [
      ...late,
      ...broken,
      ...checkRun(record, { states: ['done'], acts: 'once' }),
      ...lane.findFaults(),
    ];
  } finally {
    stop.abort();
    await rig.stop();
  }
}

/** PostgreSQL goes away and comes back while runs go on; `count` is seconds. */
export function createPostgresSoak(options: PostgresSoakOptions): Soak {
  return {
    name: 'postgres',
    title: 'PostgreSQL restarts, loses backends and listeners, for COUNT seconds (I6)',
    count: 300,
    run: (trials) => tormentFor(options, trials),
  };
}
