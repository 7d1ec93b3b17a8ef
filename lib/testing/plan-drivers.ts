import type { Database } from '@/lib/db/connect';
import { createRedaction } from '@/lib/provision/redact';
import type { ExecuteRunOptions } from '@/lib/provision/run-engine';
import type { RunEventBody } from '@/lib/run/run-event';
import { connectHost } from '@/lib/ssh/connect-host';
import type { StepKind } from '@/lib/steps/step-kind';
import { createEngineRig, openTestCache, RIG_POLICY, type EngineRig, type RigHost } from './engine-rig';
import { findTestKind, type TestStep } from './ledger-step';
import { toRunText, type RunTextOptions } from './run-text';
import type { EngineProcess, EngineProcesses } from './spawn-engine';
import { waitFor } from './wait-for';

/*
 * The drivers over a plan of whatever kind:
 *
 *   clean     once, undisturbed ──▶ the hosts as they must be, and the golden text of the run
 *   twice     every act twice in a row ───────────────┐
 *   failing   every act fails before and after its work ─┼──▶ the same hosts, and no act more than it takes
 *   killed    the engine is killed at every step ─────┘
 *
 * `one-run` hurts each step in turn within one run, resumed each time: cheap, and hosts may be kept for the next plan.
 * `one-each` gives every trial fresh hosts and a run of its own: slow, and a trial's name says which step is to blame.
 */

export type Driver = 'clean' | 'twice' | 'failing' | 'killed';

/** A plan and where it is driven: fake hosts, or the lab. */
export interface PlanUnderTest {
  readonly db: Database;
  /** As the worker's role, for engines in processes of their own. */
  readonly databaseUrl: string;
  /** The plan's steps, or how they are planned from the facts of the hosts before the plan. */
  readonly steps: readonly TestStep[] | ((hosts: readonly RigHost[]) => Promise<readonly TestStep[]>);
  /** Hosts as they are before the plan; asked for once per run. */
  readonly makeHosts: (driver: Driver) => Promise<{
    readonly hosts: readonly RigHost[];
    readonly stop: () => Promise<void>;
  }>;
  /** All that the plan is to bring about, comparable: equal snapshots are equal hosts. */
  readonly snapshot: (hosts: readonly RigHost[]) => Promise<unknown>;
  /** Values by secret id. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Release files that the steps send; a plan that sends none needs none. */
  readonly artifactsDir?: string;
  /** Default `one-each`. */
  readonly trials?: 'one-run' | 'one-each';
  /** Which of `total` steps `one-each` hurts, by their index; every one when absent. */
  readonly isTried?: (index: number, total: number) => boolean;
  /** How hosts are called in the text of the run. */
  readonly text?: (hosts: readonly RigHost[]) => RunTextOptions;
}

/** One undisturbed run: what every trial must come to. */
export interface Golden {
  readonly snapshot: string;
  readonly text: string;
  readonly steps: readonly TestStep[];
}

/** What a driver found: one line per trial that did not end as it must; empty is good. */
export type Violations = string[];

/** The steps that get a trial of their own. */
async function listTrials(
  { isTried = () => true }: PlanUnderTest,
  golden: Promise<Golden>,
): Promise<readonly number[]> {
  const { steps } = await golden;
  return [...steps.keys()].filter((index) => isTried(index, steps.length));
}

const AGAIN = '#again';
const MAX_LOOKS = 10;

function toOptions(plan: PlanUnderTest, hosts: readonly RigHost[]): Partial<ExecuteRunOptions> {
  const { secrets = {}, artifactsDir } = plan;
  return {
    ...(artifactsDir !== undefined && { artifacts: openTestCache(artifactsDir) }),
    redaction: createRedaction(Object.values(secrets)),
    secretValue: ({ id }) => secrets[id],
    // With the pings of production: a busy machine must not look like a dead link here.
    connect: (nodeId) => {
      const host = hosts.find((candidate) => candidate.nodeId === nodeId);
      if (!host) throw new Error(`no host ${nodeId}`);
      return connectHost(host.target, { policy: RIG_POLICY });
    },
  };
}

interface Trial {
  readonly hosts: readonly RigHost[];
  readonly steps: readonly TestStep[];
}

async function withHosts<T>(
  plan: PlanUnderTest,
  driver: Driver,
  work: (trial: Trial) => Promise<T>,
): Promise<T> {
  const { hosts, stop } = await plan.makeHosts(driver);
  try {
    const steps = typeof plan.steps === 'function' ? await plan.steps(hosts) : plan.steps;
    return await work({ hosts, steps });
  } finally {
    await stop();
  }
}

async function toSnapshot(plan: PlanUnderTest, hosts: readonly RigHost[]): Promise<string> {
  return JSON.stringify(await plan.snapshot(hosts), null, 1);
}

/** A snapshot that is the same twice in a row, or `wanted` as soon as it is that: what a service still does passes. */
async function toSettled(plan: PlanUnderTest, hosts: readonly RigHost[], wanted?: string): Promise<string> {
  let before = '';
  let found = await toSnapshot(plan, hosts);
  for (let look = 0; look < MAX_LOOKS && found !== wanted && found !== before; look += 1) {
    before = found;
    found = await toSnapshot(plan, hosts);
  }
  return found;
}

/** Runs the plan once, undisturbed. Throws where that does not end well: nothing else can be said then. */
export async function driveClean(plan: PlanUnderTest): Promise<Golden> {
  return withHosts(plan, 'clean', async ({ hosts, steps }) => {
    const rig = await createEngineRig(plan.db, hosts, steps);
    const state = await rig.execute(toOptions(plan, hosts));
    const events = await rig.events();
    const text = toRunText(rig.plan, events, plan.text?.(hosts));
    if (state !== 'done') throw new Error(`the undisturbed run ended ${state}:\n${text}`);
    return { snapshot: await toSettled(plan, hosts), text, steps };
  });
}

/** The same for whoever asks for it only at the end: a failure before that is not unheard of. */
function startClean(plan: PlanUnderTest): Promise<Golden> {
  const golden = driveClean(plan);
  void golden.catch(() => undefined);
  return golden;
}

/** The first lines in which two snapshots differ. */
function toDifference(found: string, wanted: string): string {
  const [left, right] = [found.split('\n'), wanted.split('\n')];
  const only = (lines: readonly string[], others: readonly string[], sign: string) => {
    const known = new Set(others);
    return lines.filter((line) => !known.has(line)).map((line) => `${sign} ${line.trim()}`);
  };
  const lines = [...only(left, right, '+'), ...only(right, left, '-')];
  return (lines.length > 0 ? lines : ['the same lines in another order']).slice(0, 20).join('\n');
}

const toKinds = (steps: readonly TestStep[]) => steps.map(({ kind = 'test.ledger' }) => kind).join(', ');

/** That the same was planned, and that the same came of it. */
async function compare(
  plan: PlanUnderTest,
  { hosts, steps }: Trial,
  golden: Promise<Golden>,
  what: string,
): Promise<Violations> {
  const wanted = await golden;
  if (toKinds(steps) !== toKinds(wanted.steps)) {
    return [`${what}: planned ${toKinds(steps)} instead of ${toKinds(wanted.steps)}`];
  }
  const snapshot = await toSettled(plan, hosts, wanted.snapshot);
  if (snapshot === wanted.snapshot) return [];
  return [`${what}: the hosts differ:\n${toDifference(snapshot, wanted.snapshot)}`];
}

/** A repeated step acts again whatever its probe would say. */
function findKindOrAgain(kind: string): StepKind | null {
  if (!kind.endsWith(AGAIN)) return findTestKind(kind);
  const found = findTestKind(kind.slice(0, -AGAIN.length));
  return found && { ...found, kind, probe: 'exit 10\n' };
}

/** Each step, then the same again; what came after the step comes after its repetition. */
function toDoubled(steps: readonly TestStep[]): TestStep[] {
  return steps.flatMap((step, index) => {
    const before = step.dependsOn?.map((at) => 2 * at + 1);
    return [
      { ...step, ...(before && { dependsOn: before }) },
      { ...step, kind: `${step.kind ?? 'test.ledger'}${AGAIN}`, dependsOn: [2 * index] },
    ];
  });
}

/** Every step acts twice in a row; the hosts must be as after once. */
export async function driveEachStepTwice(
  plan: PlanUnderTest,
  golden = startClean(plan),
): Promise<Violations> {
  return withHosts(plan, 'twice', async ({ hosts, steps }) => {
    const rig = await createEngineRig(plan.db, hosts, toDoubled(steps));
    const state = await rig.execute({ ...toOptions(plan, hosts), findKind: findKindOrAgain });
    if (state !== 'done')
      return [`the doubled plan ended ${state}: ${JSON.stringify((await rig.events()).at(-1))}`];
    return compare(plan, { hosts, steps }, golden, 'each step twice');
  });
}

/** What the retry of a run does to its rows (`queueAgain` of lib/services/runs). */
async function requeue({ pool }: Database, { runId }: EngineRig): Promise<void> {
  const stopped = ['failed', 'cancelled', 'probing', 'acting', 'verifying'];
  await pool.query(
    `UPDATE run_step SET state = 'waiting', finished_at = NULL WHERE run_id = $1 AND state = ANY($2)`,
    [runId, stopped],
  );
  await pool.query(`UPDATE run SET state = 'queued', finished_at = NULL WHERE id = $1`, [runId]);
}

type Moment = 'before' | 'after';

/** The kind whose act fails before its work, or after all of it. */
function findKindOrFailing(kind: string): StepKind | null {
  const [, name = kind, moment] = /^(.*)#fails-(before|after)$/.exec(kind) ?? [];
  const found = findTestKind(name);
  if (!found || moment === undefined) return found;
  return { ...found, act: `${moment === 'after' ? `(\n${found.act}\n)\n` : ''}exit 7\n` };
}

/** Runs and retries until the run is done; `failing` says which acts are to fail next time, by step id. */
async function runWithFailures(
  plan: PlanUnderTest,
  { hosts, steps }: Trial,
  failing: (steps: readonly { readonly id: string }[]) => Map<string, Moment[]>,
  what: string,
): Promise<{ rig: EngineRig; violations: Violations }> {
  const rig = await createEngineRig(plan.db, hosts, steps);
  const planned = failing(rig.plan.steps);
  for (;;) {
    const broken = rig.plan.steps.map((step) => {
      const [moment] = planned.get(step.id) ?? [];
      return moment ? { ...step, kind: `${step.kind}#fails-${moment}` } : step;
    });
    const options = { plan: { ...rig.plan, steps: broken }, findKind: findKindOrFailing };
    const state = await rig.execute({ ...toOptions(plan, hosts), ...options });
    if (state === 'done') return { rig, violations: [] };
    const failed = (await rig.rows()).filter((row) => row.state === 'failed');
    const unforeseen = failed.filter(({ stepId }) => !planned.get(stepId)?.shift());
    if (state !== 'failed' || failed.length === 0 || unforeseen.length > 0) {
      const text = toRunText(rig.plan, await rig.events(), plan.text?.(hosts));
      return { rig, violations: [`${what}: ended ${state}:\n${text}`] };
    }
    await requeue(plan.db, rig);
  }
}

type Act = Extract<RunEventBody, { type: 'step.act-started' }>;
const actsOf = (events: readonly RunEventBody[]) =>
  events.filter((event): event is Act => event.type === 'step.act-started');

/** After all of its work a step is done, whatever its act said: the probe must see it and no third act may come. */
async function findNeedlessActs({ plan, events }: EngineRig, what: string): Promise<Violations> {
  const acts = actsOf(await events());
  return plan.steps.flatMap(({ id, title }) => {
    const attempts = new Set(acts.filter(({ stepId }) => stepId === id).map(({ attempt }) => attempt));
    return attempts.size > 2 ? [`${what}: "${title}" was done already and acted again`] : [];
  });
}

/** The act of each step fails, once before and once after it has done its work; then the run is retried. */
export async function driveFailureAtEachStep(
  plan: PlanUnderTest,
  golden = startClean(plan),
): Promise<Violations> {
  const drive = (
    what: string,
    failing: (steps: readonly { readonly id: string }[]) => Map<string, Moment[]>,
  ): Promise<Violations> =>
    withHosts(plan, 'failing', async (trial) => {
      const { rig, violations } = await runWithFailures(plan, trial, failing, what);
      if (violations.length > 0) return violations;
      return [...(await findNeedlessActs(rig, what)), ...(await compare(plan, trial, golden, what))];
    });
  if (plan.trials === 'one-run') {
    return drive(
      'failures before and after each step',
      (steps) => new Map(steps.map(({ id }) => [id, ['before', 'after']])),
    );
  }
  const violations: Violations = [];
  for (const index of await listTrials(plan, golden)) {
    for (const moment of ['before', 'after'] as const) {
      const failing = (steps: readonly { readonly id: string }[]) =>
        new Map([[steps[index]?.id ?? '', [moment]]]);
      violations.push(...(await drive(`failure ${moment} step ${index}`, failing)));
    }
  }
  return violations;
}

/** A step that acts (or already has acted) and is in `wanted`; null when the engine has ended by itself. */
async function waitForAct(
  rig: EngineRig,
  { child }: EngineProcess,
  wanted: ReadonlySet<string>,
): Promise<string | null> {
  const found = await waitFor(
    async () => {
      if (child.exitCode !== null || child.signalCode !== null) return { stepId: null };
      const isActing = (state: string) => state !== 'waiting' && state !== 'probing' && state !== 'done';
      const row = (await rig.rows()).find(({ stepId, state }) => wanted.has(stepId) && isActing(state));
      return row && { stepId: row.stepId };
    },
    { what: 'the next step to act', timeoutMs: 300_000, everyMs: 3 },
  );
  return found.stepId;
}

/** Kills one engine after the other, each at the first of the wanted steps that acts; the last one ends the run. */
async function runWithKills(
  plan: PlanUnderTest,
  engines: EngineProcesses,
  { hosts, steps }: Trial,
  indexes: readonly number[],
  what: string,
): Promise<{ rig: EngineRig; violations: Violations }> {
  const rig = await createEngineRig(plan.db, hosts, steps);
  const wanted = new Set(indexes.flatMap((index) => rig.plan.steps[index]?.id ?? []));
  for (;;) {
    const engine = engines.spawn({
      databaseUrl: plan.databaseUrl,
      runId: rig.runId,
      epoch: (await rig.claim()).toString(),
      plan: rig.plan,
      hosts,
      ...(plan.secrets ? { secrets: plan.secrets } : {}),
      ...(plan.artifactsDir !== undefined && { artifactsDir: plan.artifactsDir }),
    });
    const acting = wanted.size > 0 ? await waitForAct(rig, engine, wanted) : null;
    if (acting !== null) {
      engine.child.kill('SIGKILL');
      wanted.delete(acting);
      await engine.ended;
      continue;
    }
    const { state, stderr } = await engine.ended;
    if (state === 'done') {
      // A busy machine may miss a short act, but a driver that misses most of them proves nothing.
      const isBlind = wanted.size * 2 > indexes.length;
      return { rig, violations: isBlind ? [`${what}: ${wanted.size} acts were over before the kill`] : [] };
    }
    const text = toRunText(rig.plan, await rig.events(), plan.text?.(hosts));
    return { rig, violations: [`${what}: the last engine ended ${state} ${stderr}\n${text}`] };
  }
}

/** No act has a second attempt, every step ends once. */
async function findRepeats({ plan, events }: EngineRig, what: string): Promise<Violations> {
  const found = await events();
  return plan.steps.flatMap(({ id, title }) => {
    const attempts = actsOf(found).filter(({ stepId, attempt }) => stepId === id && attempt > 1);
    const ends = found.filter((event) => event.type === 'step.finished' && event.stepId === id);
    return [
      ...(attempts.length > 0 ? [`${what}: "${title}" acted again`] : []),
      ...(ends.length === 1 ? [] : [`${what}: "${title}" ended ${ends.length} times`]),
    ];
  });
}

/** Kills the engine's process (KILL) while each step acts; another engine goes on. No act runs twice. */
export async function driveKillAtEachStep(
  plan: PlanUnderTest,
  engines: EngineProcesses,
  golden = startClean(plan),
): Promise<Violations> {
  const drive = (what: string, toIndexes: (steps: readonly TestStep[]) => readonly number[]) =>
    withHosts(plan, 'killed', async (trial) => {
      const { rig, violations } = await runWithKills(plan, engines, trial, toIndexes(trial.steps), what);
      if (violations.length > 0) return violations;
      return [...(await findRepeats(rig, what)), ...(await compare(plan, trial, golden, what))];
    });
  if (plan.trials === 'one-run') return drive('kills at each step', (steps) => [...steps.keys()]);
  const violations: Violations = [];
  for (const index of await listTrials(plan, golden)) {
    violations.push(...(await drive(`kill at step ${index}`, () => [index])));
  }
  return violations;
}

/** All drivers at the same time, each on hosts of its own. Rejects where the undisturbed run itself does not end well. */
export async function driveEverything(
  plan: PlanUnderTest,
  engines: EngineProcesses,
): Promise<{ readonly violations: Violations; readonly golden: Golden }> {
  const golden = startClean(plan);
  const ended = await Promise.allSettled([
    driveEachStepTwice(plan, golden),
    driveFailureAtEachStep(plan, golden),
    driveKillAtEachStep(plan, engines, golden),
  ]);
  const violations = ended.flatMap((end) =>
    end.status === 'fulfilled' ? end.value : [`a driver could not go on: ${String(end.reason)}`],
  );
  return { violations, golden: await golden };
}
