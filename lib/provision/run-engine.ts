import type { ArtifactCache } from '@/lib/artifacts/artifact-cache';
import type { Failure } from '@/lib/core/failure';
import type { Database } from '@/lib/db/connect';
import { StaleEpochError } from '@/lib/db/errors';
import {
  appendRunEvents,
  readLastFailures,
  readLogBytes,
  readRunSteps,
  type RunStepRow,
} from '@/lib/db/run-log';
import type { Plan, PlanStep } from '@/lib/plan/plan';
import { RUN_LIMITS } from '@/lib/run/limits';
import type { RunState } from '@/lib/run/run-event';
import { toEndState } from '@/lib/run/to-end-state';
import type { HostConnection } from '@/lib/ssh/connect-host';
import { HostError } from '@/lib/ssh/host-error';
import { findStepKind } from '@/lib/steps/catalogue';
import type { StepKind } from '@/lib/steps/step-kind';
import type { SecretRef } from '@/lib/topology/topology';
import { SYSTEM_CLOCK, type Clock } from './clock';
import { EventWriter } from './event-writer';
import { executeStep, type StepOutcome } from './execute-step';
import { fillStep } from './fill-step';
import type { LogBudget } from './follow-act';
import { readClusterCa, toClusterCaError } from './cluster-ca';
import { createHostSession, StepCancelledError, type HostSession } from './host-session';
import type { Redaction } from './redact';
import { retryDatabase } from './retry-database';
import { toFailure } from './step-failure';

export interface EngineLimits {
  /** Nodes that are worked on at the same time. */
  readonly parallelNodes: number;
  readonly firstContactMs: number;
  readonly outageMs: number;
  readonly cancelMs: number;
  /** Bytes of output that the run's log keeps. */
  readonly maxLogBytes: number;
}

const LIMITS: EngineLimits = {
  parallelNodes: 8,
  firstContactMs: 60_000,
  outageMs: 600_000,
  cancelMs: 30_000,
  maxLogBytes: RUN_LIMITS.maxLogBytes,
};

export interface ExecuteRunOptions {
  readonly db: Pick<Database, 'pool'>;
  readonly runId: string;
  /** Epoch of the site's lease under which the run was claimed. */
  readonly epoch: bigint;
  /** Stands in the fence file of every host (contract 1). */
  readonly installationId: string;
  /** Checked by the caller: planned again from revision and facts, with the same id. */
  readonly plan: Plan;
  /** A connection that is the engine's until it calls `close`. Rejects with HostError. */
  readonly connect: (nodeId: string) => Promise<HostConnection>;
  readonly secretValue: (ref: SecretRef) => string | undefined;
  /** The node that starts the cluster: its token file says by which CA a joining node knows the cluster. */
  readonly firstServerId?: string;
  /** Made from every secret that the run can meet, the hosts' passwords included. */
  readonly redaction: Redaction;
  /** Where release files come from that are sent to hosts; a plan without such a step needs none. */
  readonly artifacts?: ArtifactCache;
  /** What the last heartbeat said. */
  readonly isCancelRequested: () => boolean;
  /** Lease lost or shutdown: the engine stops where it is; what runs on hosts goes on. */
  readonly signal: AbortSignal;
  /** Work on this node only: the steps of all others stay as they are. */
  readonly onlyNodeId?: string;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly limits?: Partial<EngineLimits>;
  /** Hears of errors that nobody expected; the log gets them, a person gets a sentence. */
  readonly onError?: (error: unknown) => void;
  readonly findKind?: (kind: string) => StepKind | null;
  /** Directory below which all paths of a node are; empty but in tests. */
  readonly rootOf?: (nodeId: string) => string;
}

/** How a step left the run: its own outcome, or a host that could not be reached any more. */
type Ending = StepOutcome | { readonly kind: 'unreachable'; readonly failure: Failure };

/** The database is older than the fence on a host: it was restored from a backup (contract 1). */
const FENCE_AHEAD: Pick<Failure, 'nextAction'> = {
  nextAction:
    'If the database was restored from a backup, let an administrator raise its epoch above that of the host, then retry.',
};

const OVER: readonly string[] = ['done', 'skipped'];

function toFailedEnding(failure: Failure): Ending {
  return { kind: toEndState(failure.code), failure };
}

/** What the log has of the run when this engine begins. */
interface Found {
  readonly lastSeq: number;
  readonly rows: readonly RunStepRow[];
  /** Output that the log holds, of all attempts of all steps. */
  readonly logBytes: number;
}

class Engine {
  readonly #options: ExecuteRunOptions;
  readonly #clock: Clock;
  readonly #limits: EngineLimits;
  readonly #writer: EventWriter;
  readonly #sessions = new Map<string, HostSession>();
  readonly #rows: Map<string, RunStepRow>;
  readonly #over: Set<string>;
  readonly #endings: Ending[] = [];
  /** Of steps that are not to be worked on now. */
  readonly #otherEndings: Ending[] = [];
  /** Steps that this engine has taken up, whatever became of them. */
  readonly #begun = new Set<string>();
  readonly #stop = new AbortController();
  readonly #budget: LogBudget;
  readonly #deferrals = new Set<string>();
  /** Asked for when the first step needs it; a run that failed for lack of it asks again when it is resumed. */
  #clusterCa: Promise<string> | null = null;

  constructor(options: ExecuteRunOptions, { lastSeq, rows, logBytes }: Found) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#rows = new Map(rows.map((row) => [row.stepId, row]));
    this.#over = new Set(rows.filter(({ state }) => OVER.includes(state)).map(({ stepId }) => stepId));
    this.#budget = { leftBytes: Math.max(0, this.#limits.maxLogBytes - logBytes) };
    const { db, runId, epoch } = options;
    const signal = AbortSignal.any([options.signal, this.#stop.signal]);
    const onBroken = (error: unknown) => this.#stop.abort(error);
    this.#writer = new EventWriter({ db, runId, epoch, clock: this.#clock, signal, onBroken }, lastSeq);
  }

  #retry<T>(work: () => Promise<T>): Promise<T> {
    return retryDatabase(work, { clock: this.#clock, signal: this.#options.signal });
  }

  async run(): Promise<RunState> {
    try {
      await this.#takeOldEndings();
      await this.#runSteps();
      await this.#writer.flush();
      const end = this.#toEnd();
      if (end.state !== 'unreachable') await this.#cleanHosts();
      this.#writer.push({ type: 'run.finished', ...end }, undefined, {
        state: end.state,
        stepsDone: this.#over.size,
        finished: true,
      });
      await this.#writer.flush();
      return end.state;
    } catch (error) {
      const isExpected = error instanceof StaleEpochError || this.#options.signal.aborted;
      if (!isExpected) this.#options.onError?.(error);
      throw error;
    } finally {
      // Also on a stale epoch or a failing database: nothing of this engine may go on in the background.
      this.#stop.abort(new Error('the engine has ended'));
      for (const session of this.#sessions.values()) session.close();
    }
  }

  /** A worker that died between a step's failure and the run's end left the failure in the log. */
  async #takeOldEndings(): Promise<void> {
    const old = [...this.#rows.values()].filter(({ state }) => state === 'failed' || state === 'cancelled');
    if (old.length === 0) return;
    const { db, runId } = this.#options;
    const stepIds = old.map(({ stepId }) => stepId);
    const failures = await this.#retry(() => readLastFailures(db, runId, stepIds));
    const wanted = new Set(
      this.#options.plan.steps.filter((step) => this.#isWanted(step)).map(({ id }) => id),
    );
    for (const { stepId, state } of old) {
      const failure =
        failures.get(stepId) ?? toFailure('step-exit', 'A step had failed before another worker took over.');
      const ending: Ending = state === 'cancelled' ? { kind: 'cancelled' } : toFailedEnding(failure);
      // What stopped another host stops nothing here; it only counts at the end.
      (wanted.has(stepId) ? this.#endings : this.#otherEndings).push(ending);
    }
  }

  /** Steps in plan order, one at a time per node, nodes in parallel; nothing new starts once something went wrong. */
  async #runSteps(): Promise<void> {
    const running = new Map<string, Promise<void>>();
    let broken: { error: unknown } | null = null;
    for (;;) {
      for (const step of broken ? [] : this.#findReady(new Set(running.keys()))) {
        if (running.size >= this.#limits.parallelNodes) break;
        const { nodeId } = step;
        const work = this.#runStep(step)
          .catch((error: unknown) => {
            broken ??= { error };
            this.#stop.abort(error);
          })
          .finally(() => running.delete(nodeId));
        running.set(nodeId, work);
      }
      if (running.size === 0) break;
      await Promise.race(running.values());
    }
    // Assigned in the callbacks above, which the control flow analysis does not see.
    const failed = broken as { error: unknown } | null;
    if (failed) throw failed.error;
  }

  #findReady(busy: ReadonlySet<string>): PlanStep[] {
    const isEnding = this.#options.isCancelRequested() || this.#endings.some(({ kind }) => kind !== 'done');
    const ready: PlanStep[] = [];
    const seen = new Set(busy);
    for (const step of this.#options.plan.steps) {
      if (this.#over.has(step.id) || seen.has(step.nodeId) || !this.#isWanted(step)) continue;
      seen.add(step.nodeId);
      if (this.#begun.has(step.id)) continue;
      // A step that an earlier worker left on the host is taken up even when the run is about to end.
      const isOnHost = this.#rows.get(step.id)?.state === 'acting';
      if (isEnding && !isOnHost) continue;
      if (step.dependsOn.every((id) => this.#over.has(id))) ready.push(step);
    }
    return ready;
  }

  #isWanted({ nodeId }: PlanStep): boolean {
    return this.#options.onlyNodeId === undefined || this.#options.onlyNodeId === nodeId;
  }

  async #runStep(step: PlanStep): Promise<void> {
    const { runId, redaction, isCancelRequested, artifacts } = this.#options;
    this.#begun.add(step.id);
    const row = this.#rows.get(step.id);
    if (!row) throw new Error(`run ${runId} has no row for step ${step.id}`);
    let ending: Ending;
    try {
      const filled = await fillStep(step, {
        findKind: this.#options.findKind ?? findStepKind,
        secretValue: this.#options.secretValue,
        clusterCa: () => this.#askClusterCa(step, row.state === 'acting'),
        root: this.#rootOf(step.nodeId),
      });
      const session = this.#sessionOf(step.nodeId);
      const [writer, budget, clock, deferrals] = [this.#writer, this.#budget, this.#clock, this.#deferrals];
      const signal = AbortSignal.any([this.#options.signal, this.#stop.signal]);
      const own = {
        runId,
        step: filled,
        session,
        redaction,
        isCancelRequested,
        signal,
        ...(artifacts && { artifacts }),
      };
      ending = await executeStep({ ...own, writer, budget, clock, deferrals }, row);
    } catch (error) {
      ending = await this.#toEnding(error, step);
    }
    this.#endings.push(ending);
    if (ending.kind === 'done') this.#over.add(step.id);
    else this.#noteEnding(step.id, ending);
    // Not waited for: the next act of whichever step waits until this is durable.
    this.#writer.push(null, undefined, { stepsDone: this.#over.size });
  }

  async #toEnding(error: unknown, step: PlanStep): Promise<Ending> {
    const { db, runId, epoch, signal, onError } = this.#options;
    if (error instanceof StepCancelledError) return { kind: 'cancelled' };
    if (error instanceof StaleEpochError || signal.aborted || this.#stop.signal.aborted) throw error;
    if (error instanceof HostError) {
      // If the database agrees, we are stale and this throws; if not, the host knows more than the database.
      if (error.code === 'stale-epoch') {
        await this.#retry(() => appendRunEvents(db, { runId, epoch, events: [] }));
      }
      return toFailedEnding({ ...error.failure, ...(error.code === 'stale-epoch' && FENCE_AHEAD) });
    }
    onError?.(error);
    return toFailedEnding(
      toFailure('internal', `Siteplan itself failed while it worked on "${step.title}".`),
    );
  }

  #noteEnding(stepId: string, ending: Exclude<Ending, { kind: 'done' }>): void {
    if (ending.kind === 'cancelled') {
      this.#writer.push({ type: 'step.cancelled', stepId }, { stepId, state: 'cancelled', finished: true });
      return;
    }
    const failure = { ...ending.failure, message: this.#options.redaction.text(ending.failure.message) };
    this.#writer.push({ type: 'step.failed', stepId, failure }, { stepId, state: 'failed', finished: true });
  }

  #toEnd(): { state: RunState; failure: Failure | null } {
    for (const state of ['needs-attention', 'failed', 'unreachable'] as const) {
      const ending = [...this.#endings, ...this.#otherEndings].find(({ kind }) => kind === state);
      if (ending && 'failure' in ending) {
        const message = this.#options.redaction.text(ending.failure.message);
        return { state, failure: { ...ending.failure, message } };
      }
    }
    if (this.#options.plan.steps.every(({ id }) => this.#over.has(id)))
      return { state: 'done', failure: null };
    return { state: 'cancelled', failure: null };
  }

  #rootOf(nodeId: string): string {
    return this.#options.rootOf?.(nodeId) ?? '';
  }

  #askClusterCa({ title }: PlanStep, isActing: boolean): Promise<string> {
    const { firstServerId: nodeId } = this.#options;
    if (nodeId === undefined) throw new Error('the run does not say which server is the first');
    const options = { root: this.#rootOf(nodeId), isActing };
    this.#clusterCa ??= readClusterCa(() => this.#openSession(nodeId), options);
    return this.#clusterCa.catch((error: unknown) => {
      throw toClusterCaError(error, title);
    });
  }

  #sessionOf(nodeId: string): HostSession {
    const known = this.#sessions.get(nodeId);
    if (known) return known;
    const session = this.#openSession(nodeId);
    this.#sessions.set(nodeId, session);
    return session;
  }

  #openSession(nodeId: string): HostSession {
    const { connect, installationId, epoch, signal, random = Math.random, isCancelRequested } = this.#options;
    return createHostSession({
      nodeId,
      connect,
      identity: { installationId, epoch, runId: this.#options.runId, root: this.#rootOf(nodeId) },
      writer: this.#writer,
      clock: this.#clock,
      random,
      signal: AbortSignal.any([signal, this.#stop.signal]),
      isCancelRequested,
      limits: this.#limits,
    });
  }

  /**
   * Journals are in the log by now, also those of hosts that only an earlier worker had something to do on. A host that
   * is gone keeps its own until the next run.
   */
  async #cleanHosts(): Promise<void> {
    const { runId, plan } = this.#options;
    for (const step of plan.steps) {
      if (this.#isWanted(step) && (this.#rows.get(step.id)?.attempt ?? 0) > 0) this.#sessionOf(step.nodeId);
    }
    const cleanOne = async (session: HostSession) => {
      await session.once(({ runner }) => runner.clean(runId)).catch(() => undefined);
    };
    await Promise.all([...this.#sessions.values()].map(cleanOne));
  }
}

/**
 * Executes a claimed run to its end, or to where an earlier worker left it and from there to its end. Returns the end
 * state once it is durable. Rejects with StaleEpochError when a newer epoch owns the run, or with the signal's reason;
 * in both cases nothing more was changed and whatever runs on hosts goes on for whoever comes next.
 */
export async function executeRun(options: ExecuteRunOptions): Promise<RunState> {
  const { db, runId, epoch, signal, clock = SYSTEM_CLOCK } = options;
  const found = await retryDatabase(
    async () => ({
      lastSeq: await appendRunEvents(db, { runId, epoch, events: [] }),
      rows: await readRunSteps(db, runId),
      logBytes: await readLogBytes(db, runId),
    }),
    { clock, signal },
  );
  return new Engine(options, found).run();
}
