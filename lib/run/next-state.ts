import { assertNever } from '@/lib/core/assert-never';
import type { RunEventBody, RunState, StepState } from './run-event';
import { RUN_STATES } from './run-states';

/**
 * A run by its events. An end is final but for one way out, which a person asks for:
 *
 *   queued ──claimed──▶ running ──finished──▶ done | failed | unreachable | cancelled | needs-attention
 *     ▲                                                                │
 *     └────────────── retry-requested, resume-requested ───────────────┘
 */
export function nextRunState(state: RunState, event: RunEventBody): RunState {
  const isOver = RUN_STATES[state].isTerminal;
  switch (event.type) {
    case 'run.claimed':
      return isOver ? state : 'running';
    case 'run.retry-requested':
    case 'run.resume-requested':
      return isOver && state !== 'done' ? 'queued' : state;
    case 'run.finished':
      return isOver || !RUN_STATES[event.state].isTerminal ? state : event.state;
    case 'run.queued':
    case 'run.cancel-requested':
    case 'host.lost':
    case 'host.back':
    case 'step.started':
    case 'step.probed':
    case 'step.progress':
    case 'step.act-started':
    case 'step.verifying':
    case 'step.reattached':
    case 'step.output':
    case 'step.output-cut':
    case 'step.cancel-deferred':
    case 'step.finished':
    case 'step.failed':
    case 'step.skipped':
    case 'step.cancelled':
      return state;
    default:
      return assertNever(event);
  }
}

/**
 * A step by the events that name it; `done` and `skipped` are final, a failed or cancelled step may start again.
 * After a probe that found the host as wanted the step goes straight to its end.
 */
export function nextStepState(state: StepState, event: RunEventBody): StepState {
  if (state === 'done' || state === 'skipped') return state;
  switch (event.type) {
    case 'step.started':
      return 'probing';
    case 'step.act-started':
    case 'step.reattached':
      return 'acting';
    case 'step.verifying':
      return 'verifying';
    case 'step.finished':
      return 'done';
    case 'step.failed':
      return 'failed';
    case 'step.skipped':
      return 'skipped';
    case 'step.cancelled':
      return 'cancelled';
    case 'run.retry-requested':
    case 'run.resume-requested':
      return 'waiting';
    case 'step.probed':
    case 'step.progress':
    case 'step.output':
    case 'step.output-cut':
    case 'step.cancel-deferred':
    case 'run.queued':
    case 'run.claimed':
    case 'run.cancel-requested':
    case 'run.finished':
    case 'host.lost':
    case 'host.back':
      return state;
    default:
      return assertNever(event);
  }
}
