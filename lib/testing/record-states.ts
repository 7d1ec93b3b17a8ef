import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '@/lib/db/connect';
import type { ExecuteRunOptions } from '@/lib/provision/run-engine';
import { createEngineRig, type EngineRig } from './engine-rig';
import { startFakeHost, type FakeHost } from './fake-host';
import { findTestKind } from './ledger-step';
import { recordRun, type RecordedRun } from './recorded-run';
import { waitFor } from './wait-for';

/** Moments in the life of a run's second step at which a worker may be replaced by one of the next release. */
export const RECORDED_STATES = [
  'waiting',
  'probing',
  'acting-unheard',
  'acting-ready',
  'acting-running',
  'acting-finished',
  'acting-interrupted',
  'verifying',
  'failed',
  'retried',
] as const;
export type RecordedState = (typeof RECORDED_STATES)[number];

const STEPS = [
  { nodeId: 'n-0', params: { name: 'before' } },
  { nodeId: 'n-0', params: { name: 'subject', lines: 30, pauseS: '0.05' } },
  { nodeId: 'n-0', params: { name: 'after' } },
];

interface Stage {
  readonly db: Pick<Database, 'pool'>;
  readonly rig: EngineRig;
  readonly host: FakeHost;
  readonly subject: string;
}

/** The second step's probe, act or verify made slow or failing, so that a moment can be caught. */
function changeSubject(subject: string, part: 'probe' | 'act' | 'verify', text: string) {
  return (plan: EngineRig['plan']): Partial<ExecuteRunOptions> => ({
    plan: {
      ...plan,
      steps: plan.steps.map((step) => (step.id === subject ? { ...step, kind: 'test.subject' } : step)),
    },
    findKind: (kind) => {
      const found = findTestKind(kind === 'test.subject' ? 'test.ledger' : kind);
      return found && kind === 'test.subject' ? { ...found, [part]: `${text}\n${found[part]}` } : found;
    },
  });
}

/** Executes until `isThere`, then lets go of the run as a worker that dies does. */
async function executeUntil(
  { rig }: Stage,
  overrides: Partial<ExecuteRunOptions>,
  isThere: () => Promise<boolean>,
): Promise<void> {
  const stop = new AbortController();
  const ended = rig.execute({ ...overrides, signal: stop.signal }).catch(() => undefined);
  await waitFor(isThere, { what: 'the moment', everyMs: 5 });
  stop.abort(new Error('the worker is replaced'));
  await ended;
}

const stateOf = async ({ rig, subject }: Stage) =>
  (await rig.rows()).find(({ stepId }) => stepId === subject)?.state;

async function findAct({ host, subject }: Stage): Promise<string> {
  const acts = join(host.root, 'var/lib/siteplan-host/acts');
  const key = (await readdir(acts)).find((name) => name.includes(subject));
  return join(acts, key ?? 'no act of the subject');
}

/** A moment before the act's first sign of life passes too fast to be caught: what came after it is taken away. */
async function takeActBack(stage: Stage): Promise<void> {
  const { rig, host, subject, db } = stage;
  await REACH['acting-running'](stage);
  await host.reboot();
  const { runId } = rig;
  await db.pool.query(
    `WITH gone AS (DELETE FROM run_event WHERE run_id = $1 AND step_id = $2 AND type = 'step.output' RETURNING 1)
     UPDATE run SET last_seq = last_seq - (SELECT count(*) FROM gone) WHERE id = $1`,
    [runId, subject],
  );
  await db.pool.query('UPDATE run_step SET "offset" = 0 WHERE run_id = $1 AND step_id = $2', [
    runId,
    subject,
  ]);
  await writeFile(join(host.root, 'ledger'), 'before\n');
}

async function hasOutput({ rig, subject }: Stage): Promise<boolean> {
  const events = await rig.events();
  return events.some((event) => event.type === 'step.output' && event.stepId === subject);
}

const REACH: Readonly<Record<RecordedState, (stage: Stage) => Promise<void>>> = {
  waiting: async ({ rig }) => {
    await rig.claim();
  },
  probing: async (stage) => {
    const slow = changeSubject(stage.subject, 'probe', 'sleep 2')(stage.rig.plan);
    await executeUntil(stage, slow, async () => (await stateOf(stage)) === 'probing');
  },
  'acting-unheard': async (stage) => {
    await takeActBack(stage);
    await rm(await findAct(stage), { recursive: true });
  },
  'acting-ready': async (stage) => {
    await takeActBack(stage);
    for (const name of ['boot', 'child']) await rm(join(await findAct(stage), name));
    await writeFile(join(await findAct(stage), 'journal'), '');
  },
  'acting-running': (stage) => executeUntil(stage, {}, () => hasOutput(stage)),
  'acting-finished': async (stage) => {
    await REACH['acting-running'](stage);
    const act = await findAct(stage);
    await waitFor(() => existsSync(join(act, 'exit')), { what: 'the act to end alone' });
  },
  'acting-interrupted': async (stage) => {
    await REACH['acting-running'](stage);
    await stage.host.reboot();
  },
  verifying: async (stage) => {
    const slow = changeSubject(stage.subject, 'verify', 'sleep 2')(stage.rig.plan);
    await executeUntil(stage, slow, async () => (await stateOf(stage)) === 'verifying');
  },
  failed: async (stage) => {
    const broken = changeSubject(stage.subject, 'act', 'echo cannot; exit 7')(stage.rig.plan);
    await executeUntil(stage, broken, async () => (await stateOf(stage)) === 'failed');
  },
  retried: async (stage) => {
    const broken = changeSubject(stage.subject, 'act', 'echo cannot; exit 7')(stage.rig.plan);
    await stage.rig.execute(broken);
  },
};

/** Brings a run on a fake host into `state` with the engine of today and writes down what a successor would find. */
export async function recordState(
  db: Database,
  /** May delete events, which a worker may not. */
  owner: Pick<Database, 'pool'>,
  name: { readonly release: string; readonly state: RecordedState },
): Promise<RecordedRun> {
  const host = await startFakeHost('s1');
  try {
    const rig = await createEngineRig(db, [{ nodeId: 'n-0', target: host.target, root: host.root }], STEPS);
    const stage = { db: owner, rig, host, subject: rig.plan.steps[1]?.id ?? '' };
    await REACH[name.state](stage);
    if (name.state !== 'acting-running') {
      await waitFor(async () => (await host.processes()).length === 0, { what: 'the host to be quiet' });
    }
    return await recordRun(db.pool, { runId: rig.runId, plan: rig.plan, root: host.root }, name);
  } finally {
    await host.stop();
  }
}
