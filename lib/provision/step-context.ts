import type { Clock } from './clock';
import type { EventWriter } from './event-writer';
import type { FilledStep } from './fill-step';
import type { LogBudget } from './follow-act';
import type { HostSession } from './host-session';
import type { Redaction } from './redact';

/** What a step needs from its run. */
export interface StepContext {
  readonly runId: string;
  readonly step: FilledStep;
  readonly session: HostSession;
  readonly writer: EventWriter;
  readonly redaction: Redaction;
  readonly budget: LogBudget;
  readonly clock: Clock;
  readonly isCancelRequested: () => boolean;
  /** Steps of which the log says that a cancel has to wait for them. */
  readonly deferrals: Set<string>;
}
