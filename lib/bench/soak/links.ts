import { setTimeout as sleep } from 'node:timers/promises';
import { connectHost } from '@/lib/ssh/connect-host';
import { RIG_POLICY } from '@/lib/testing/engine-rig';
import { waitFor } from '@/lib/testing/wait-for';
import { installGates, shutGate } from './gate';
import { checkRun, type RunRecord } from './run-record';
import { collectEnded, runTrials } from './run-trials';
import type { Soak } from './soak';
import { startSoakRig, type Lane } from './soak-rig';
import type { Trial, TrialStep } from './trial';
import type { Wire } from './wire';

/** Within this much a dead link is noticed (reliability I7). */
const NOTICE_LIMIT_MS = 15_000;
const SLOW_MS = 12_000;
const STEPS: readonly TrialStep[] = [{ name: 'a', lines: 15, pauseS: '0.05' }, { name: 'b' }];

/** Bytes that a connection has sent up when it is signed in; the runner follows. */
interface Sizes {
  readonly signedIn: number;
}

/** Queues the run and breaks its link in that part of the work; resolves when it is broken, with how to let it go on. */
type Phase = (lane: Lane, trial: Trial, breakLink: () => void, sizes: Sizes) => Promise<() => Promise<void>>;

const nothing = () => Promise.resolve();

function atBytes(toBytes: (sizes: Sizes) => number): Phase {
  return async (_lane, trial, breakLink, sizes) => {
    const broken = new Promise<void>((resolve) => {
      trial.wire.onceBytesUp(toBytes(sizes), () => {
        breakLink();
        resolve();
      });
    });
    await trial.queue();
    await broken;
    return nothing;
  };
}

function inPart(part: 'probe' | 'act' | 'verify'): Phase {
  return async (_lane, trial, breakLink) => {
    const held = await trial.hold(part, 'a');
    await trial.queue();
    await held.at();
    breakLink();
    return held.release;
  };
}

const PHASES: Readonly<Record<string, Phase>> = {
  follow: inPart('act'),
  /** The act is written down; the host has not heard of it. */
  'act start': async (lane, trial, breakLink) => {
    const gate = await shutGate(lane.database, {
      runId: trial.runId,
      type: 'step.act-started',
      at: 'commit',
    });
    await trial.queue();
    await gate.reached();
    breakLink();
    await gate.open();
    return nothing;
  },
  auth: atBytes(({ signedIn }) => signedIn - 150),
  probe: inPart('probe'),
  verify: inPart('verify'),
  'key exchange': atBytes(() => 0),
  'runner install': atBytes(({ signedIn }) => signedIn + 4_000),
  connect: async (_lane, trial, breakLink) => {
    breakLink();
    await trial.queue();
    return nothing;
  },
};

interface LinkFailure {
  readonly start: (wire: Wire) => void;
  /** The link is dead, and the run's log must say so in time. */
  readonly isDeath: boolean;
}

const FAILURES: Readonly<Record<string, LinkFailure>> = {
  'black hole': { start: (wire) => wire.blackHole(), isDeath: true },
  reset: {
    start: (wire) => {
      wire.refuse();
      wire.reset();
    },
    isDeath: true,
  },
  'half close': {
    start: (wire) => {
      wire.refuse();
      wire.halfClose();
    },
    isDeath: true,
  },
  'delay of 2 s': { start: (wire) => wire.slow({ delayMs: 2_000 }), isDeath: false },
  'loss of 1 %': { start: (wire) => wire.slow({ stalled: 0.01 }), isDeath: false },
};

/** Every phase with every failure once in 40 trials, neighbours as different as can be. */
function pick(index: number): { phase: string; failure: string } {
  const [phases, failures] = [Object.keys(PHASES), Object.keys(FAILURES)];
  const round = Math.floor(index / phases.length);
  return {
    phase: phases[index % phases.length] ?? '',
    failure: failures[(index + round) % failures.length] ?? '',
  };
}

/** The death of the link stands in the log, and soon; the act that went on meanwhile was taken up, not started again. */
export function checkNoticed(
  { events }: Pick<RunRecord, 'events'>,
  brokenAtMs: number,
  limitMs: number,
): string[] {
  const lost = events.find(({ atMs, body }) => body.type === 'host.lost' && atMs >= brokenAtMs - 1_000);
  if (!lost) return ['I7 nobody noticed that the link was dead'];
  const tookMs = lost.atMs - brokenAtMs;
  return tookMs > limitMs ? [`I7 the dead link was noticed after ${Math.round(tookMs)} ms`] : [];
}

async function measureSizes(lane: Lane): Promise<Sizes> {
  const trial = await lane.createTrial({ steps: STEPS, isHeld: true });
  const connection = await connectHost(trial.host.target, { policy: RIG_POLICY });
  const signedIn = trial.wire.longestBytesUp();
  connection.close();
  await trial.remove();
  return { signedIn };
}

async function tryLink(lane: Lane, index: number, sizes: Sizes, limitMs: number): Promise<string[]> {
  const names = pick(index);
  const [phase, failure] = [PHASES[names.phase], FAILURES[names.failure]];
  if (!phase || !failure) throw new Error('no such phase or failure');
  const trial = await lane.createTrial({ steps: STEPS, isHeld: true });
  let brokenAtMs: Promise<number> = Promise.resolve(0);
  const breakLink = () => {
    failure.start(trial.wire);
    brokenAtMs = lane.nowMs();
  };
  const release = await phase(lane, trial, breakLink, sizes);
  const isLost = async () => (await trial.countEvents('host.lost')) > 0;
  if (failure.isDeath) {
    await waitFor(isLost, { what: 'host.lost', timeoutMs: 60_000 }).catch(() => undefined); // checked below
  } else if (names.failure === 'delay of 2 s') await sleep(SLOW_MS);
  if (names.failure !== 'loss of 1 %') trial.wire.heal();
  await release();
  const record = await collectEnded(lane, trial);
  const noticed = failure.isDeath ? checkNoticed(record, await brokenAtMs, limitMs) : [];
  await trial.remove();
  const found = [...checkRun(record, { states: ['done'], acts: 'once' }), ...noticed];
  return found.map((line) => `${names.failure} in ${names.phase}: ${line}`);
}

/** Links that fail in every way in every part of the work: noticed, made again, and the act taken up where it is. */
export function createLinksSoak(options: { readonly lanes: number; readonly slackMs: number }): Soak {
  const { lanes, slackMs } = options;
  return {
    name: 'links',
    title: 'black hole, reset, half close, 2 s delay, 1 % loss in every phase of a step (I7)',
    count: 30,
    run: async ({ count, say }) => {
      const rig = await startSoakRig({ ttlMs: 10_000 });
      const sizes = new Map<Lane, Sizes>();
      const prepare = async (lane: Lane) => {
        await Promise.all([installGates(lane.database), lane.spawnWorker()]);
        sizes.set(lane, await measureSizes(lane));
      };
      const work = (lane: Lane, index: number) =>
        tryLink(lane, index, sizes.get(lane) ?? { signedIn: 0 }, NOTICE_LIMIT_MS + slackMs);
      try {
        return await runTrials({ rig, count, lanes, say, prepare, work });
      } finally {
        await rig.stop();
      }
    },
  };
}
