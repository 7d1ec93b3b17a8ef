import type { Failure } from '@/lib/core/failure';
import { nextRunState, nextStepState } from './next-state';
import type { RunOverride, RunEvent, RunEventBody, RunState, StepState } from './run-event';
import { RUN_STATES, STEP_STATES } from './run-states';

export interface StepSummary {
  readonly stepId: string;
  readonly state: StepState;
  readonly attempt: number;
  /** ISO 8601 of the newest attempt; null before it began or ended. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** `already-so`: the probe found nothing to do. */
  readonly outcome: 'already-so' | 'done' | null;
  readonly failure: Failure | null;
  readonly skipReason: string | null;
  readonly outputs: Readonly<Record<string, string>>;
  /** Bytes of the step's log so far. */
  readonly outputBytes: number;
}

/** A line between the steps, such as "continued by another worker at step 14 of 52". */
export interface RunNote {
  readonly seq: number;
  readonly at: string;
  readonly text: string;
  readonly nodeId: string | null;
}

export interface RunSummary {
  readonly state: RunState;
  /** In the plan's order, then in the order of their first event. */
  readonly steps: readonly StepSummary[];
  readonly stepsTotal: number;
  /** Finished or skipped. */
  readonly stepsDone: number;
  /** Of those, what a person left out. */
  readonly stepsSkipped: number;
  /** The step that a person should look at: the failed one, else the first that is under way. */
  readonly current: { readonly stepId: string; readonly number: number; readonly label: string } | null;
  /** Why the run stopped: what stands on top of the page. */
  readonly cause: { readonly failure: Failure; readonly stepId: string | null } | null;
  /** Hosts that cannot be reached right now. */
  readonly lostNodes: readonly string[];
  readonly notes: readonly RunNote[];
  /** Failing checks that a person let pass for this run. */
  readonly overrides: readonly RunOverride[];
  readonly cancelRequestedBy: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/**
 * What a run's log says, from any prefix of it. `stepIds` are the plan's steps in order; without them only the steps
 * that have events are known, and numbers count those.
 */
export function toRunSummary(events: readonly RunEvent[], stepIds: readonly string[] = []): RunSummary {
  const reader = new LogReader(stepIds);
  for (const event of events) reader.read(event);
  return reader.toSummary();
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class LogReader {
  private state: RunState = 'queued';
  private readonly steps = new Map<string, Mutable<StepSummary>>();
  private readonly lost = new Set<string>();
  private readonly notes: RunNote[] = [];
  private overrides: readonly RunOverride[] = [];
  private total: number;
  private cause: RunSummary['cause'] = null;
  private cancelRequestedBy: string | null = null;
  private startedAt: string | null = null;
  private finishedAt: string | null = null;

  constructor(stepIds: readonly string[]) {
    this.total = stepIds.length;
    for (const stepId of stepIds) this.stepOf(stepId);
  }

  read({ seq, at, body }: RunEvent): void {
    const note = (text: string, nodeId: string | null = null) => this.notes.push({ seq, at, text, nodeId });
    if ('stepId' in body) this.readStep(body.stepId, body, at);
    switch (body.type) {
      case 'run.queued':
        this.total = Math.max(this.total, body.steps);
        this.overrides = body.overrides ?? [];
        for (const { by, title, value, reason, nodeId } of this.overrides)
          note(`${by} let the failing check “${title}” (${value}) pass: ${reason}`, nodeId);
        break;
      case 'run.claimed':
        this.startedAt ??= at;
        if (body.previousEpoch !== null && this.state !== 'queued')
          note(`Continued by another worker${this.whereItIs()}.`);
        break;
      case 'run.cancel-requested':
        this.cancelRequestedBy = body.by;
        note(`${body.by} asked for the end of the run.`);
        break;
      case 'run.retry-requested':
        this.restart(body);
        note(
          `${body.by} started ${body.nodeId ? 'the steps of one host' : 'the run'} again${this.whereItIs()}.`,
          body.nodeId ?? null,
        );
        break;
      case 'run.resume-requested':
        this.restart(body);
        note(`${body.by} let the run go on${this.whereItIs()}.`);
        break;
      case 'run.finished':
        if (RUN_STATES[this.state].isTerminal) break;
        this.finishedAt = at;
        if (body.failure) this.cause = { failure: body.failure, stepId: this.findFailedStep() };
        break;
      case 'host.lost':
        this.lost.add(body.nodeId);
        note(body.failure.message, body.nodeId);
        break;
      case 'host.back':
        this.lost.delete(body.nodeId);
        note(body.rebooted ? 'The host is back after a reboot.' : 'The host is back.', body.nodeId);
        break;
      default:
        break;
    }
    this.state = nextRunState(this.state, body);
  }

  toSummary(): RunSummary {
    const steps = [...this.steps.values()];
    return {
      state: this.state,
      steps,
      stepsTotal: Math.max(this.total, steps.length),
      stepsDone: steps.filter(({ state }) => state === 'done' || state === 'skipped').length,
      stepsSkipped: steps.filter(({ state }) => state === 'skipped').length,
      current: this.findCurrent(),
      cause: this.cause,
      lostNodes: [...this.lost],
      notes: this.notes,
      overrides: this.overrides,
      cancelRequestedBy: this.cancelRequestedBy,
      startedAt: this.startedAt,
      finishedAt: this.finishedAt,
    };
  }

  private readStep(stepId: string, body: RunEventBody, at: string): void {
    const step = this.stepOf(stepId);
    if (body.type === 'step.output') {
      step.outputBytes = Math.max(step.outputBytes, body.nextOffset);
      return;
    }
    if (body.type === 'step.output-cut') {
      step.outputBytes = Math.max(step.outputBytes, body.offset + body.bytes);
      return;
    }
    const before = step.state;
    step.state = nextStepState(before, body);
    if (step.state === before && STEP_STATES[before].isTerminal) return;
    if (body.type === 'step.started') {
      Object.assign(step, {
        attempt: body.attempt,
        startedAt: at,
        finishedAt: null,
        failure: null,
        outputBytes: 0,
      });
    }
    if (body.type === 'step.act-started') step.attempt = body.attempt;
    if (STEP_STATES[step.state].isTerminal) step.finishedAt = at;
    if (body.type === 'step.finished') Object.assign(step, { outcome: body.outcome, outputs: body.outputs });
    if (body.type === 'step.skipped') step.skipReason = body.reason;
    if (body.type === 'step.failed') {
      step.failure = body.failure;
      this.cause = { failure: body.failure, stepId };
    }
  }

  /** A person asked for another try: what stopped the run is history, what was finished stays. */
  private restart(body: RunEventBody): void {
    if (!RUN_STATES[this.state].isTerminal || this.state === 'done') return;
    this.cause = null;
    this.cancelRequestedBy = null;
    this.finishedAt = null;
    const only = body.type === 'run.retry-requested' ? body.stepIds : undefined;
    for (const step of this.steps.values()) {
      if (only && !only.includes(step.stepId)) continue;
      if (step.state === 'failed' || step.state === 'cancelled') step.failure = null;
      step.state = nextStepState(step.state, body);
    }
  }

  private stepOf(stepId: string): Mutable<StepSummary> {
    const known = this.steps.get(stepId);
    if (known) return known;
    const step: Mutable<StepSummary> = {
      stepId,
      state: 'waiting',
      attempt: 0,
      startedAt: null,
      finishedAt: null,
      outcome: null,
      failure: null,
      skipReason: null,
      outputs: {},
      outputBytes: 0,
    };
    this.steps.set(stepId, step);
    return step;
  }

  private findFailedStep(): string | null {
    return [...this.steps.values()].find(({ state }) => state === 'failed')?.stepId ?? null;
  }

  private findCurrent(): RunSummary['current'] {
    const steps = [...this.steps.values()];
    const isUnderWay = ({ state }: StepSummary) => state !== 'waiting' && !STEP_STATES[state].isTerminal;
    const failed = steps.findIndex(({ state }) => state === 'failed');
    const index = failed >= 0 ? failed : steps.findIndex(isUnderWay);
    const step = steps[index];
    if (!step) return null;
    const total = Math.max(this.total, steps.length);
    return { stepId: step.stepId, number: index + 1, label: `step ${index + 1} of ${total}` };
  }

  private whereItIs(): string {
    const current = this.findCurrent();
    return current ? ` at ${current.label}` : '';
  }
}
