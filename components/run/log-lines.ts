import type { RunEvent } from '@/lib/run/run-event';
import { STEP_STATES } from '@/lib/run/run-states';

/** One line of the merged log. */
export interface LogLine {
  /** Stable name for links: sequence of the event that began it, and its place in it. */
  readonly id: string;
  readonly at: string;
  /** Null for lines about the run as a whole. */
  readonly stepId: string | null;
  readonly nodeId: string | null;
  /** `output` comes from the host; `note` is ours. */
  readonly kind: 'output' | 'note';
  readonly text: string;
}

/** What the log says of a step of the plan. */
export interface LogStep {
  readonly nodeId: string;
  /** Place in the plan, from 1. */
  readonly number: number;
  readonly title: string;
}

interface OpenLine {
  readonly index: number;
}

/**
 * The log as lines, fed with events as they come. A line of a host that is not ended yet grows in place; a carriage
 * return starts it again, as on a terminal, so that progress bars stay one line.
 */
export class LogLines {
  readonly #lines: LogLine[] = [];
  readonly #open = new Map<string, OpenLine>();
  #lastSeq = 0;
  readonly #steps: ReadonlyMap<string, LogStep>;

  /** `steps`: the plan's steps by their ids. */
  constructor(steps: ReadonlyMap<string, LogStep>) {
    this.#steps = steps;
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** Adds what is new; events that were read already are left out. True when a line changed. */
  add(events: readonly RunEvent[]): boolean {
    const fresh = events.filter((event) => event.seq > this.#lastSeq);
    for (const event of fresh) this.#read(event);
    this.#lastSeq = fresh.at(-1)?.seq ?? this.#lastSeq;
    return fresh.length > 0;
  }

  #read(event: RunEvent): void {
    if (event.body.type === 'step.output') return this.#readOutput(event, event.body.stepId, event.body.text);
    const stepId = 'stepId' in event.body ? event.body.stepId : null;
    const step = stepId === null ? undefined : this.#steps.get(stepId);
    const note = toNote(event.body, step);
    if (note === null) return;
    const nodeId = 'nodeId' in event.body ? event.body.nodeId : (step?.nodeId ?? null);
    if (stepId) this.#open.delete(stepId);
    this.#lines.push({ id: `${event.seq}`, at: event.at, stepId, nodeId, kind: 'note', text: note });
  }

  #readOutput(event: RunEvent, stepId: string, text: string): void {
    const nodeId = this.#steps.get(stepId)?.nodeId ?? null;
    const parts = text.split('\n');
    parts.forEach((part, place) => {
      const isLast = place === parts.length - 1;
      const open = place === 0 ? this.#open.get(stepId) : undefined;
      if (open) {
        const line = this.#lines[open.index];
        if (line) this.#lines[open.index] = { ...line, text: toTerminalText(line.text + part) };
      } else if (part !== '' || !isLast) {
        const line: LogLine = {
          id: place === 0 ? `${event.seq}` : `${event.seq}.${place}`,
          at: event.at,
          stepId,
          nodeId,
          kind: 'output',
          text: toTerminalText(part),
        };
        this.#lines.push(line);
        if (isLast) this.#open.set(stepId, { index: this.#lines.length - 1 });
      }
      if (!isLast) this.#open.delete(stepId);
    });
  }
}

/** What a terminal would show of a line: the text after its last carriage return. */
export function toTerminalText(text: string): string {
  const ended = text.endsWith('\r') ? text.slice(0, -1) : text;
  return ended.slice(ended.lastIndexOf('\r') + 1);
}

/** An event as a sentence of the log; null for those that say nothing to a reader. */
function toNote(body: RunEvent['body'], step: LogStep | undefined): string | null {
  const name = step ? `step ${step.number}` : 'step';
  switch (body.type) {
    case 'run.queued':
      return `queued by ${body.by}`;
    case 'run.claimed':
      return body.previousEpoch === null
        ? `started by worker ${body.worker}`
        : `worker ${body.worker} took over`;
    case 'run.cancel-requested':
      return `${body.by} asked to cancel`;
    case 'run.retry-requested':
      return `${body.by} asked to try again`;
    case 'run.finished':
      return `run ended: ${body.state.replace('-', ' ')}`;
    case 'host.lost':
      return `connection lost: ${body.failure.message}`;
    case 'host.back':
      return body.rebooted ? 'the host is back after a reboot' : 'the host is back';
    case 'step.started':
      return `${name}: ${step?.title ?? body.stepId}${body.attempt > 1 ? `, try ${body.attempt}` : ''}`;
    case 'step.probed':
      return body.satisfied ? `${name} already so` : null;
    case 'step.act-started':
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
    case 'step.output':
      return null;
  }
}

/** Escape sequences of a terminal: colours and the like, which a search must not see. */
const ANSI = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** A line without its colours. */
export function toPlainText(text: string): string {
  return text.replace(ANSI, '');
}

/** Places in `lines` whose text holds `query`, upper and lower case alike. */
export function findMatches(lines: readonly LogLine[], query: string): readonly number[] {
  const wanted = query.trim().toLowerCase();
  if (wanted === '') return [];
  const hits: number[] = [];
  lines.forEach((line, index) => {
    if (toPlainText(line.text).toLowerCase().includes(wanted)) hits.push(index);
  });
  return hits;
}
