import type { Database } from '@/lib/db/connect';
import { createRedaction } from '@/lib/provision/redact';
import type { ExecuteRunOptions } from '@/lib/provision/run-engine';
import type { StepKind } from '@/lib/steps/step-kind';
import { createEngineRig, type EngineRig, type RigHost } from './engine-rig';
import { findTestKind, type TestStep } from './ledger-step';
import type { EngineProcesses } from './spawn-engine';
import { waitFor } from './wait-for';

/** A plan and where it is driven: fake hosts, or the lab. Every trial gets fresh hosts. */
export interface PlanUnderTest {
  readonly db: Database;
  /** As the worker's role, for engines in processes of their own. */
  readonly databaseUrl: string;
  readonly steps: readonly TestStep[];
  /** Hosts as they are before the plan. */
  readonly makeHosts: () => Promise<{
    readonly hosts: readonly RigHost[];
    readonly stop: () => Promise<void>;
  }>;
  /** All that the plan is to bring about, comparable: equal snapshots are equal hosts. */
  readonly snapshot: (hosts: readonly RigHost[]) => Promise<unknown>;
  /** Values by secret id. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** What a driver found: one line per trial that did not end as it must; empty is good. */
export type Violations = string[];

const AGAIN = '#again';

function toOptions({ secrets = {} }: PlanUnderTest): Partial<ExecuteRunOptions> {
  return { redaction: createRedaction(Object.values(secrets)), secretValue: ({ id }) => secrets[id] };
}

async function withHosts<T>(
  plan: PlanUnderTest,
  work: (hosts: readonly RigHost[]) => Promise<T>,
): Promise<T> {
  const { hosts, stop } = await plan.makeHosts();
  try {
    return await work(hosts);
  } finally {
    await stop();
  }
}

/** The hosts after one undisturbed run: what every trial must come to. */
async function toGolden(plan: PlanUnderTest): Promise<string> {
  return withHosts(plan, async (hosts) => {
    const rig = await createEngineRig(plan.db, hosts, plan.steps);
    const state = await rig.execute(toOptions(plan));
    if (state !== 'done') throw new Error(`the undisturbed run ended ${state}`);
    return JSON.stringify(await plan.snapshot(hosts));
  });
}

async function compare(
  plan: PlanUnderTest,
  hosts: readonly RigHost[],
  golden: string,
  what: string,
): Promise<Violations> {
  const snapshot = JSON.stringify(await plan.snapshot(hosts));
  return snapshot === golden ? [] : [`${what}: the hosts differ: ${snapshot} instead of ${golden}`];
}

/** A repeated step acts again whatever its probe would say. */
function findKindOrAgain(kind: string): StepKind | null {
  if (!kind.endsWith(AGAIN)) return findTestKind(kind);
  const found = findTestKind(kind.slice(0, -AGAIN.length));
  return found && { ...found, kind, probe: 'exit 10\n' };
}

/** Every step acts twice in a row; the hosts must be as after once. */
export async function driveEachStepTwice(plan: PlanUnderTest): Promise<Violations> {
  const golden = await toGolden(plan);
  const doubled = plan.steps.flatMap((step) => {
    const { dependsOn: _, ...alone } = step;
    return [alone, { ...alone, kind: `${step.kind ?? 'test.ledger'}${AGAIN}` }];
  });
  return withHosts(plan, async (hosts) => {
    const rig = await createEngineRig(plan.db, hosts, doubled);
    const state = await rig.execute({ ...toOptions(plan), findKind: findKindOrAgain });
    if (state !== 'done')
      return [`the doubled plan ended ${state}: ${JSON.stringify((await rig.events()).at(-1))}`];
    return compare(plan, hosts, golden, 'each step twice');
  });
}

/** What the retry of a run does to its rows (`services/run`). */
async function requeue({ pool }: Database, { runId }: EngineRig): Promise<void> {
  await pool.query(
    `UPDATE run_step SET state = 'waiting' WHERE run_id = $1 AND state IN ('failed', 'cancelled')`,
    [runId],
  );
  await pool.query(`UPDATE run SET state = 'queued' WHERE id = $1`, [runId]);
}

/** The act of the chosen step fails, once before and once after it has done its work; then the run is retried. */
export async function driveFailureAtEachStep(plan: PlanUnderTest): Promise<Violations> {
  const golden = await toGolden(plan);
  const violations: Violations = [];
  for (const index of plan.steps.keys()) {
    for (const moment of ['before', 'after'] as const) {
      const what = `failure ${moment} step ${index}`;
      violations.push(
        ...(await withHosts(plan, (hosts) => failAt(plan, hosts, { index, moment, golden, what }))),
      );
    }
  }
  return violations;
}

async function failAt(
  plan: PlanUnderTest,
  hosts: readonly RigHost[],
  trial: { index: number; moment: 'before' | 'after'; golden: string; what: string },
): Promise<Violations> {
  const { index, moment, golden, what } = trial;
  const rig = await createEngineRig(plan.db, hosts, plan.steps);
  const chosen = rig.plan.steps[index];
  const broken = {
    ...rig.plan,
    steps: rig.plan.steps.map((step) => (step === chosen ? { ...step, kind: `${step.kind}#fails` } : step)),
  };
  const findKind = (kind: string): StepKind | null => {
    if (!kind.endsWith('#fails')) return findTestKind(kind);
    const found = findTestKind(kind.slice(0, -'#fails'.length));
    const work = found && moment === 'after' ? `(\n${found.act}\n)\n` : '';
    return found && { ...found, act: `${work}exit 7\n` };
  };
  const failed = await rig.execute({ ...toOptions(plan), plan: broken, findKind });
  if (failed !== 'failed') return [`${what}: ended ${failed}`];
  await requeue(plan.db, rig);
  const state = await rig.execute(toOptions(plan));
  return state === 'done' ? compare(plan, hosts, golden, what) : [`${what}: the retried run ended ${state}`];
}

/** Kills the engine's process (KILL) while the chosen step acts; another engine goes on. No act runs twice. */
export async function driveKillAtEachStep(
  plan: PlanUnderTest,
  engines: EngineProcesses,
): Promise<Violations> {
  const golden = await toGolden(plan);
  const violations: Violations = [];
  for (const index of plan.steps.keys()) {
    violations.push(...(await withHosts(plan, (hosts) => killAt(plan, engines, hosts, index, golden))));
  }
  return violations;
}

async function killAt(
  plan: PlanUnderTest,
  engines: EngineProcesses,
  hosts: readonly RigHost[],
  index: number,
  golden: string,
): Promise<Violations> {
  const what = `kill at step ${index}`;
  const rig = await createEngineRig(plan.db, hosts, plan.steps);
  const start = async () =>
    engines.spawn({
      databaseUrl: plan.databaseUrl,
      runId: rig.runId,
      epoch: (await rig.claim()).toString(),
      plan: rig.plan,
      hosts,
      ...(plan.secrets ? { secrets: plan.secrets } : {}),
    });
  const stepId = rig.plan.steps[index]?.id ?? '';
  const first = await start();
  await waitFor(
    async () => {
      const row = (await rig.rows()).find((candidate) => candidate.stepId === stepId);
      return row && row.state !== 'waiting' && row.state !== 'probing';
    },
    { what: `step ${index} to act`, timeoutMs: 120_000, everyMs: 5 },
  );
  first.child.kill('SIGKILL');
  await first.ended;
  const second = await start();
  const { state, stderr } = await second.ended;
  if (state !== 'done') return [`${what}: the second engine ended ${state} ${stderr}`];
  const acts = (await rig.events()).flatMap((event) =>
    event.type === 'step.act-started' ? [`${event.stepId} ${event.attempt}`] : [],
  );
  const repeated = acts.filter((act) => !act.endsWith(' 1'));
  return [
    ...(repeated.length > 0 ? [`${what}: acts ran again: ${repeated.join(', ')}`] : []),
    ...(await compare(plan, hosts, golden, what)),
  ];
}
