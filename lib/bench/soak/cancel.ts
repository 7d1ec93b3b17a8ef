import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase } from '@/lib/db/connect';
import { toKeyId } from '@/lib/secrets/seal';
import type { ServiceContext } from '@/lib/services/context';
import { cancelRun } from '@/lib/services/runs/cancel-run';
import { UserId } from '@/lib/core/ids';
import { waitFor } from '@/lib/testing/wait-for';
import { checkRun, type RunRecord } from './run-record';
import { collectEnded, runTrials } from './run-trials';
import type { Soak } from './soak';
import { startSoakRig, type Lane } from './soak-rig';
import type { Trial, TrialStep } from './trial';

const WORKERS = 2;
const NAMES = ['a', 'b', 'c', 'd'];
/** Of a run that nobody cancels, about. */
const SPAN_MS = 2_500;

interface Variant {
  readonly steps: readonly TrialStep[];
  /** Resolves when it is time to cancel. */
  readonly until: (trial: Trial) => Promise<unknown>;
  readonly states: readonly string[];
  readonly check?: (record: RunRecord) => string[];
}

const plain = (extra: Partial<TrialStep> = {}): TrialStep[] =>
  NAMES.map((name) => ({ name, lines: 10, pauseS: '0.03', ...extra }));

const isAt = (trial: Trial, type: string) =>
  waitFor(async () => (await trial.countEvents(type)) > 0, { what: type, everyMs: 2, timeoutMs: 60_000 });

/** An uninterruptible step goes on to its end and says that the cancel waits for it; nothing comes after it. */
function checkUncut({ ledger, state, events }: RunRecord): string[] {
  const story = ledger.map((line) => line.split(' ').slice(0, 2).join(' ')).join(', ');
  const isSaid = events.some(({ body }) => body.type === 'step.cancel-deferred');
  return [
    ...(story === 'begin a, end a' && state === 'cancelled' ? [] : [`I10 an uncut step: ${state}, ${story}`]),
    ...(isSaid ? [] : ['I10 a cancel waits for an uncut step and does not say so']),
  ];
}

/** A finished run is left as it is: the request writes nothing. */
function checkFinished({ events }: RunRecord): string[] {
  const isLast = events.at(-1)?.body.type === 'run.finished';
  return isLast ? [] : ['I10 the cancel of a finished run was written into its log'];
}

const VARIANTS: Readonly<Record<string, Variant>> = {
  'at random': {
    steps: plain(),
    until: () => sleep(Math.random() * SPAN_MS),
    states: ['cancelled', 'done'],
  },
  'an act that does not hear TERM': {
    steps: plain({ isDeaf: true, lines: 400 }),
    until: (trial) => isAt(trial, 'step.output'),
    states: ['cancelled'],
  },
  'a step that must not be cut': {
    steps: plain({ kind: 'soak.uncut', lines: 100 }),
    until: (trial) => isAt(trial, 'step.output'),
    states: ['cancelled'],
    check: checkUncut,
  },
  'a finished run': {
    steps: plain({ lines: 1 }),
    until: (trial) => waitFor(trial.isOver, { what: 'the end', timeoutMs: 60_000 }),
    states: ['done'],
    check: checkFinished,
  },
  'while it ends': {
    steps: [{ name: 'a', lines: 1 }],
    until: (trial) => isAt(trial, 'step.probed'),
    states: ['cancelled', 'done'],
  },
};

/** I10: once the request stands in the log, no act is started any more; `graceMs` is what a slow machine may take. */
export function checkStarts({ events }: Pick<RunRecord, 'events'>, graceMs: number): string[] {
  const asked = events.find(({ body }) => body.type === 'run.cancel-requested');
  if (!asked) return [];
  return events
    .filter(({ seq, body }) => seq > asked.seq && body.type === 'step.act-started')
    .filter(({ atMs }) => atMs - asked.atMs > graceMs)
    .map(
      ({ seq, atMs }) =>
        `I10 event ${seq} starts an act ${Math.round(atMs - asked.atMs)} ms after the cancel`,
    );
}

/** A person with the right to cancel, in the web's role. */
function createPerson(lane: Lane): ServiceContext {
  const { publicKey } = generateKeyPairSync('x25519');
  return {
    db: connectDatabase(lane.database.urlFor('siteplan_web'), 'siteplan_web', { maxConnections: 2 }),
    keys: { audit: randomBytes(32), seal: { key: publicKey, keyId: toKeyId(publicKey) } },
    actor: {
      userId: UserId.parse('soak'),
      email: 'soak@example.net',
      name: 'Soak',
      grants: [{ siteId: null, role: 'admin' }],
      via: 'session',
      credentialId: 'soak',
      ip: '192.0.2.1',
      requestId: 'soak',
    },
  };
}

async function tryCancel(
  { lane, person, graceMs }: { lane: Lane; person: ServiceContext; graceMs: number },
  index: number,
): Promise<string[]> {
  const names = Object.keys(VARIANTS);
  // Each named one now and then; most at random.
  const name = (index < names.length ? names[index] : names[index % (2 * names.length)]) ?? 'at random';
  const { steps, until, states, check } = VARIANTS[name] ?? {};
  if (!steps || !until || !states) throw new Error('no such variant');
  const trial = await lane.createTrial({ steps });
  await until(trial);
  await cancelRun(person, { runId: trial.runId });
  const record = await collectEnded(lane, trial);
  const found = [
    ...checkRun(record, { states, acts: 'once' }),
    ...checkStarts(record, graceMs),
    ...(check?.(record) ?? []),
  ];
  await trial.remove();
  return found.map((line) => `cancel ${name}: ${line}`);
}

export interface CancelOptions {
  readonly lanes: number;
  readonly ttlMs: number;
  /** How long after the request an act may still start. */
  readonly graceMs: number;
}

/** Cancels runs at every moment: prompt, final, and one end each. */
export function createCancelSoak({ lanes, ttlMs, graceMs }: CancelOptions): Soak {
  return {
    name: 'cancel',
    title: 'cancel at any moment: nothing starts after it, nothing goes on on the host (I10)',
    count: 100,
    run: async ({ count, say }) => {
      const rig = await startSoakRig({ ttlMs });
      const people = new Map<Lane, ServiceContext>();
      const prepare = async (lane: Lane) => {
        people.set(lane, createPerson(lane));
        await Promise.all(Array.from({ length: WORKERS }, () => lane.spawnWorker()));
      };
      const work = async (lane: Lane, index: number) => {
        const person = people.get(lane);
        return person ? tryCancel({ lane, person, graceMs }, index) : ['no person'];
      };
      try {
        return await runTrials({ rig, count, lanes, say, prepare, work });
      } finally {
        await Promise.all([...people.values()].map(({ db }) => db.close()));
        await rig.stop();
      }
    },
  };
}
