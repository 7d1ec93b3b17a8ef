import type { ArtifactCache } from '@/lib/artifacts/artifact-cache';
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
  /** Where release files come from that are sent; absent where this worker keeps none. */
  readonly artifacts?: ArtifactCache;
  /** The engine stops: nothing of it may go on. */
  readonly signal: AbortSignal;
  readonly isCancelRequested: () => boolean;
  /** Steps of which the log says that a cancel has to wait for them. */
  readonly deferrals: Set<string>;
}
