import { toBytesText } from '@/lib/core/duration';
import { toCount } from '@/lib/core/text';
import type { RunEventBody, RunOverride } from './run-event';
import { STEP_STATES } from './run-states';

/** What the log says of a step of the plan. */
export interface LogStep {
  readonly nodeId: string;
  /** Place in the plan, from 1. */
  readonly number: number;
  readonly title: string;
}

/** An event as a sentence of the log; null for those that say nothing to a reader. */
export function toLogNote(body: RunEventBody, step: LogStep | undefined): string | null {
  const name = step ? `step ${step.number}` : 'step';
  switch (body.type) {
    case 'run.queued':
      return `queued by ${body.by}${body.overrides ? toOverrideNote(body.overrides) : ''}`;
    case 'run.claimed':
      return body.previousEpoch === null
        ? `started by worker ${body.worker}`
        : `worker ${body.worker} goes on, after epoch ${body.previousEpoch}`;
    case 'run.cancel-requested':
      return `${body.by} asked to cancel`;
    case 'run.retry-requested':
      return `${body.by} asked to try again`;
    case 'run.resume-requested':
      return `${body.by} asked to go on`;
    case 'run.finished':
      return `run ended: ${body.state.replace('-', ' ')}`;
    case 'host.lost':
      return `connection lost, trying again: ${body.failure.message}`;
    case 'host.back':
      return body.rebooted ? 'the host is back after a reboot' : 'the host is back';
    case 'step.started':
      return `${name}: ${step?.title ?? body.stepId}${body.attempt > 1 ? `, try ${body.attempt}` : ''}`;
    case 'step.probed':
      return body.satisfied ? `${name} already so` : null;
    case 'step.progress':
      return `${name} ${body.text}`;
    case 'step.act-started':
    case 'step.verifying':
      return null;
    case 'step.reattached':
      return `${name} found still running on the host, followed again`;
    case 'step.finished':
      return body.outcome === 'already-so' ? null : `${name} ${STEP_STATES.done.word}`;
    case 'step.failed':
      return `${name} failed: ${body.failure.message}`;
    case 'step.skipped':
      return `${name} skipped by ${body.by}: ${body.reason}`;
    case 'step.cancelled':
      return `${name} cancelled`;
    case 'step.cancel-deferred':
      return `cancelling; waits for ${name}, which must not be cut: ${body.reason}`;
    case 'step.output-cut':
      return `log cut here: ${toBytesText(body.bytes)} more of ${name} are not kept (sha256 ${body.sha256})`;
    case 'step.output':
      return null;
  }
}

/** Failing checks that were let pass, each with who and why, for the first line of the log. */
function toOverrideNote(overrides: readonly RunOverride[]): string {
  const each = overrides.map(({ title, value, by, reason }) => `${title} (${value}), by ${by}: ${reason}`);
  return `; ${toCount(overrides.length, 'failing check')} overridden: ${each.join('; ')}`;
}
