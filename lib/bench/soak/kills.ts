import { setTimeout as sleep } from 'node:timers/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@/lib/testing/wait-for';
import { installGates, shutGate, type GateAt } from './gate';
import { checkRun, findClaimAfter } from './run-record';
import { collectEnded, runTrials } from './run-trials';
import type { Soak, SoakOptions } from './soak';
import { startSoakRig, type Lane } from './soak-rig';
import type { SoakWorker } from './spawn-worker';
import type { Trial, TrialStep } from './trial';

/** One that dies, and two that race for what it leaves. */
const WORKERS = 3;
const POLL_MS = 2_000;
const STEPS: readonly TrialStep[] = ['a', 'b', 'c'].map((name) => ({ name, lines: 12, pauseS: '0.03' }));

export interface KillsOptions {
  readonly ttlMs: number;
  readonly lanes: number;
  /** How much later than lease + 2 s a take-over may come; for machines that are shared with other tests. */
  readonly slackMs: number;
}

/** What a moment needs to be caught: resolves with the worker to kill, and how to let go of the rest afterwards. */
type Moment = (lane: Lane, trial: Trial) => Promise<{ victim: SoakWorker; letGo: () => Promise<void> }>;

async function findVictim(lane: Lane, trial: Trial): Promise<SoakWorker> {
  return waitFor(() => lane.findOwner(trial.siteId), { what: 'a worker to claim the site', everyMs: 2 });
}

/** Nobody can claim the site: its lease is locked, and a claim skips what is locked. */
const beforeClaim: Moment = async (lane, trial) => {
  const [victim] = lane.workers();
  if (!victim) throw new Error('no worker');
  const holder = await lane.database.owner.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT 1 FROM site_lease WHERE site_id = $1 FOR UPDATE', [trial.siteId]);
  await trial.queue();
  const letGo = async () => {
    await holder.query('ROLLBACK');
    holder.release();
    await lane.database.owner.query(`SELECT pg_notify('siteplan_work', $1)`, [trial.siteId]);
  };
  return { victim, letGo };
};

/** Caught in the transaction that writes an event: before it is durable, or when it is and the worker does not know. */
function atEvent(type: string, at: GateAt, isReady?: (trial: Trial) => boolean): Moment {
  return async (lane, trial) => {
    const gate = await shutGate(lane.database, { runId: trial.runId, type, at });
    await trial.queue();
    await gate.reached();
    const victim = await findVictim(lane, trial);
    if (isReady) await waitFor(() => isReady(trial), { what: 'the act to have ended', everyMs: 5 });
    if (at === 'insert') return { victim, letGo: gate.open };
    const before = await trial.countEvents(type);
    victim.wire.holdAnswers();
    await gate.open();
    await waitFor(async () => (await trial.countEvents(type)) > before, { what: 'the commit', everyMs: 2 });
    return { victim, letGo: () => Promise.resolve() };
  };
}

const midStream: Moment = async (lane, trial) => {
  await trial.queue();
  await waitFor(async () => (await trial.countEvents('step.output')) > 3, { what: 'output', everyMs: 2 });
  return { victim: await findVictim(lane, trial), letGo: () => Promise.resolve() };
};

/** The moments of reliability A2 (I1), each by its condition. */
export const MOMENTS: Readonly<Record<string, Moment>> = {
  'before claim': beforeClaim,
  'after claim': atEvent('run.claimed', 'insert'),
  'after the row of the step': atEvent('step.act-started', 'commit'),
  'mid stream': midStream,
  'after remote exit, before the write': atEvent('step.finished', 'insert', ({ root }) =>
    existsSync(join(root, 'done/a')),
  ),
  'after the write': atEvent('step.finished', 'commit'),
};

function atRandom(spanMs: number): Moment {
  return async (lane, trial) => {
    await trial.queue();
    const first = await findVictim(lane, trial);
    await sleep(Math.random() * spanMs);
    return { victim: first, letGo: () => Promise.resolve() };
  };
}

async function fillUp(lane: Lane): Promise<void> {
  const missing = WORKERS - lane.workers().length;
  await Promise.all(Array.from({ length: missing }, () => lane.spawnWorker()));
}

/** How long a run takes that nobody disturbs: the span over which kills are spread. */
async function measureRun(lane: Lane): Promise<number> {
  await fillUp(lane);
  const trial = await lane.createTrial({ steps: STEPS });
  await findVictim(lane, trial);
  const record = await collectEnded(lane, trial);
  const found = checkRun(record, { states: ['done'], acts: 'once' });
  const spanMs = (record.events.at(-1)?.atMs ?? 0) - (record.events[0]?.atMs ?? 0);
  if (found.length > 0) throw new Error(`a run that nobody disturbed: ${found.join('; ')}`);
  return spanMs;
}

function findPercentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

export interface KillsResult {
  readonly violations: readonly string[];
  /** From each kill of a run's owner to the next claim, milliseconds by the database's clock. */
  readonly takeoversMs: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Kills workers at `count` moments, the six named ones first, and has two others race for each run. */
export async function runKills(
  { ttlMs, lanes, slackMs }: KillsOptions,
  { count, say }: SoakOptions,
): Promise<KillsResult> {
  const rig = await startSoakRig({ ttlMs });
  const named = Object.entries(MOMENTS);
  const spans = new Map<Lane, number>();
  const takeoversMs: number[] = [];
  const work = async (lane: Lane, index: number): Promise<string[]> => {
    await fillUp(lane);
    const [name, moment] = named[index] ?? ['at random', atRandom(spans.get(lane) ?? 0)];
    const trial = await lane.createTrial({ steps: STEPS, isHeld: true });
    const { victim, letGo } = await moment(lane, trial);
    const isOver = await trial.isOver();
    const killedAtMs = await lane.nowMs();
    await victim.kill();
    await letGo();
    const record = await collectEnded(lane, trial);
    const claimedAtMs = findClaimAfter(record, killedAtMs);
    if (claimedAtMs !== null && name !== 'before claim') takeoversMs.push(claimedAtMs - killedAtMs);
    const unclaimed =
      !isOver && claimedAtMs === null && record.state !== 'done'
        ? [`${trial.runId}: nobody took it over`]
        : [];
    const found = [...checkRun(record, { states: ['done'], acts: 'once' }), ...unclaimed];
    await trial.remove();
    return found.map((line) => `killed ${name}: ${line}`);
  };
  try {
    const prepare = async (lane: Lane) => {
      await installGates(lane.database);
      spans.set(lane, await measureRun(lane));
    };
    const violations = await runTrials({ rig, count, lanes, say, prepare, work });
    const [p50Ms, p99Ms] = [findPercentile(takeoversMs, 0.5), findPercentile(takeoversMs, 0.99)];
    say(`${takeoversMs.length} take-overs: p50 ${Math.round(p50Ms)} ms, p99 ${Math.round(p99Ms)} ms`);
    const isLate = p99Ms > ttlMs + POLL_MS + slackMs;
    const late = isLate ? [`I3 take-overs come after ${Math.round(p99Ms)} ms (p99), lease ${ttlMs} ms`] : [];
    return { violations: [...violations, ...late], takeoversMs, p50Ms, p99Ms };
  } finally {
    await rig.stop();
  }
}

/** The soak of killed workers. Beside each run's own marks, I3 is broken where the p99 of take-overs is late. */
export function createKillsSoak(options: KillsOptions): Soak {
  return {
    name: 'kills',
    title: 'kill -9 of a worker anywhere, two others race for its run (I1, I2, I3)',
    count: 200,
    run: async (trials) => (await runKills(options, trials)).violations,
  };
}
