import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkLabSupport } from '@/e2e/lab/support';
import type { PlanStep } from '@/lib/plan/plan';
import { buildProgram } from '@/lib/testing/build-program';
import { startOwnCluster } from '@/lib/testing/own-database';
import { waitFor } from '@/lib/testing/wait-for';
import { findClusterFaults } from './ha-cluster';
import { prepareCreation, type HaCreation } from './ha-creation';
import { toRecord } from './ha-record';
import { watchHostJournals } from './host-journals';
import { createRandom, pickTarget, spreadTargets, toKillDelayMs } from './kill-schedule';
import { checkRun } from './run-record';
import type { Soak, SoakOptions } from './soak';

/** Kills of one creation; each costs the rest of a lease. */
const KILLS_PER_CREATION = 5;
const RUN_LIMIT_MS = 600_000;
const OPEN = ['queued', 'running'];

/** One creation under way, and what the kills of all creations have hit. */
interface Scene {
  readonly creation: HaCreation;
  readonly runId: string;
  readonly random: () => number;
  /** Kinds of step that were under way at a kill. */
  readonly hit: Set<string>;
  readonly say: (line: string) => void;
}

type StepStates = ReadonlyMap<string, string>;

async function readStates({ creation, runId }: Scene): Promise<StepStates> {
  const { rows } = await creation.database.owner.query<{ step_id: string; state: string }>(
    'SELECT step_id, state FROM run_step WHERE run_id = $1',
    [runId],
  );
  return new Map(rows.map(({ step_id: id, state }) => [id, state]));
}

async function isOver({ creation, runId }: Scene): Promise<boolean> {
  const { rows } = await creation.database.owner.query<{ state: string }>(
    'SELECT state FROM run WHERE id = $1',
    [runId],
  );
  return !OPEN.includes(rows[0]?.state ?? '');
}

const isUnderWay = (state: string | undefined) =>
  state === 'probing' || state === 'acting' || state === 'verifying';

/** Waits for the beginning of one of the targets; those that were over before are replaced. Null when the run ends. */
async function waitForTarget(scene: Scene, targets: Set<PlanStep>): Promise<PlanStep | null> {
  const { steps } = scene.creation.plan;
  const found = await waitFor(
    async () => {
      const states = await readStates(scene);
      for (const target of targets) {
        const state = states.get(target.id);
        if (isUnderWay(state)) return { target };
        if (state === 'waiting') continue;
        targets.delete(target);
        const open = steps.filter((step) => states.get(step.id) === 'waiting' && !targets.has(step));
        const next = pickTarget(open, steps, scene.hit, scene.random);
        if (next) targets.add(next);
      }
      return ((await isOver(scene)) || targets.size === 0) && { target: null };
    },
    { what: 'the next step to kill at', timeoutMs: RUN_LIMIT_MS, everyMs: 4 },
  );
  return found.target;
}

/** Kills the worker that has the run, a random moment after the target began; another one stands in for it at once. */
async function killAt(scene: Scene, target: PlanStep): Promise<void> {
  const { creation, random, hit, say } = scene;
  const { crew, siteId, plan, nameOf, fillUp } = creation;
  const delayMs = toKillDelayMs(target, random);
  await sleep(delayMs);
  const owner = await waitFor(() => crew.findOwner(siteId), { what: 'an owner of the site', everyMs: 5 });
  await owner.kill();
  const states = await readStates(scene);
  await fillUp();
  const struck = plan.steps.filter(({ id }) => isUnderWay(states.get(id)));
  for (const { kind } of struck) hit.add(kind);
  const toText = (step: PlanStep) => `${nameOf(step.nodeId)} ${step.kind} ${states.get(step.id)}`;
  const done = [...states.values()].filter((state) => state === 'done').length;
  say(
    `  killed ${owner.holder} ${Math.round(delayMs)} ms after ${nameOf(target.nodeId)} ${target.kind} began, ` +
      `${done} of ${plan.steps.length} done: ${struck.map(toText).join(', ') || 'between two steps'}`,
  );
}

async function runWithKills(scene: Scene, count: number): Promise<number> {
  const { steps } = scene.creation.plan;
  const targets = new Set(spreadTargets(steps, count, scene.hit, scene.random));
  let kills = 0;
  while (kills < count) {
    const target = await waitForTarget(scene, targets);
    if (target === null) break;
    await killAt(scene, target);
    targets.delete(target);
    kills += 1;
  }
  await waitFor(() => isOver(scene), { what: 'the run to end', timeoutMs: RUN_LIMIT_MS, everyMs: 50 }).catch(
    () => undefined, // the checker says that the state is wrong
  );
  return kills;
}

interface Created {
  readonly kills: number;
  readonly violations: readonly string[];
}

/** One creation from bare hosts with kills in it, and every promise that it broke. */
async function tryCreation(
  creation: HaCreation,
  count: number,
  shared: Pick<Scene, 'random' | 'hit' | 'say'>,
): Promise<Created> {
  const { lab, crew, plan } = creation;
  const journals = watchHostJournals(lab);
  try {
    const runId = await creation.start();
    const kills = await runWithKills({ ...shared, creation, runId }, count);
    await journals.stop();
    const record = await toRecord(creation, runId, journals.acts());
    const again = await creation.planAgain();
    const isSettled = again.steps === 0 && again.problems.length === 0;
    return {
      kills,
      violations: [
        ...checkRun(record, { states: ['done'], acts: 'once' }),
        ...(await findClusterFaults(lab)),
        ...(isSettled ? [] : [`the next plan is not empty: ${JSON.stringify(again)}`]),
        ...(kills === count ? [] : [`the run ended after ${kills} of ${count} kills`]),
        ...crew.findFaults(),
      ].map((line) => `${lab.name}, ${plan.steps.length} steps: ${line}`),
    };
  } finally {
    await journals.stop();
  }
}

async function runHaKills(ttlMs: number, options: SoakOptions): Promise<string[]> {
  const { count, say, seed = randomInt(2 ** 31) } = options;
  const shared = { random: createRandom(seed), hit: new Set<string>(), say };
  const kinds = new Set<string>();
  const violations: string[] = [];
  const [cluster, program] = await Promise.all([
    startOwnCluster(),
    buildProgram('lib/bench/soak/soak-worker.ts'),
  ]);
  say(`seed ${seed}`);
  try {
    for (let kills = 0, index = 1; kills < count; kills += KILLS_PER_CREATION, index += 1) {
      const rig = { cluster, program: program.path, ttlMs };
      const creation = await prepareCreation(rig, `soak-${process.pid}-${index}`);
      try {
        for (const { kind } of creation.plan.steps) kinds.add(kind);
        const startedMs = performance.now();
        const wanted = Math.min(KILLS_PER_CREATION, count - kills);
        const created = await tryCreation(creation, wanted, shared);
        const tookS = Math.round((performance.now() - startedMs) / 1000);
        say(`creation ${index}: ${created.kills} kills, ${created.violations.length} violations, ${tookS} s`);
        for (const line of created.violations) say(`  ${line}`);
        violations.push(...created.violations);
      } finally {
        await creation.stop();
      }
    }
    const missed = [...kinds].filter((kind) => !shared.hit.has(kind));
    say(
      `hit: ${[...shared.hit].sort().join(', ')}${missed.length > 0 ? `; not hit: ${missed.join(', ')}` : ''}`,
    );
    // Fewer kills than kinds, twice over for those that pass in a moment, cannot be asked to meet them all.
    if (count >= 20) violations.push(...missed.map((kind) => `no kill hit a step of the kind ${kind}`));
    return violations;
  } finally {
    await cluster.stop();
    await program.remove();
  }
}

/** Workers that die while a highly available cluster is made, real load balancers and etcd included. */
export function createHaKillsSoak({ ttlMs }: { readonly ttlMs: number }): Soak {
  return {
    name: 'ha-kills',
    title: 'kill -9 of the worker while an HA cluster is created; needs root and the lab (I1, I2, I3)',
    count: 20,
    run: (options) => {
      const missing = checkLabSupport();
      return missing ? Promise.resolve([`cannot run here: ${missing}`]) : runHaKills(ttlMs, options);
    },
  };
}
