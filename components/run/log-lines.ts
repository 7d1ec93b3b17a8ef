import type { RunEvent } from '@/lib/run/run-event';
import { toLogNote, type LogStep } from '@/lib/run/to-log-note';

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
  /** Characters that were left out at the end, 0 for nearly every line. */
  readonly cut: number;
}

/** A line longer than this is cut, characters: no reader reads it, and a browser would stand still over it. */
export const MAX_LINE_CHARS = 8_000;

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
    const note = toLogNote(event.body, step);
    if (note === null) return;
    const nodeId = ('nodeId' in event.body ? event.body.nodeId : step?.nodeId) ?? null;
    if (stepId) this.#open.delete(stepId);
    this.#lines.push({ id: `${event.seq}`, at: event.at, stepId, nodeId, kind: 'note', text: note, cut: 0 });
  }

  #readOutput(event: RunEvent, stepId: string, text: string): void {
    const nodeId = this.#steps.get(stepId)?.nodeId ?? null;
    const parts = text.split('\n');
    parts.forEach((part, place) => {
      const isLast = place === parts.length - 1;
      const open = place === 0 ? this.#open.get(stepId) : undefined;
      if (open) {
        const line = this.#lines[open.index];
        if (line) this.#lines[open.index] = toLonger(line, part);
      } else if (part !== '' || !isLast) {
        const line: LogLine = {
          id: place === 0 ? `${event.seq}` : `${event.seq}.${place}`,
          at: event.at,
          stepId,
          nodeId,
          kind: 'output',
          ...toShortText(toTerminalText(part), 0),
        };
        this.#lines.push(line);
        if (isLast) this.#open.set(stepId, { index: this.#lines.length - 1 });
      }
      if (!isLast) this.#open.delete(stepId);
    });
  }
}

function toShortText(text: string, cut: number): Pick<LogLine, 'text' | 'cut'> {
  const over = Math.max(0, text.length - MAX_LINE_CHARS);
  return { text: over > 0 ? text.slice(0, MAX_LINE_CHARS) : text, cut: cut + over };
}

/** A line that goes on; a carriage return starts it again. */
function toLonger(line: LogLine, part: string): LogLine {
  if (line.cut > 0 && !part.includes('\r')) return { ...line, cut: line.cut + part.length };
  return { ...line, ...toShortText(toTerminalText(line.text + part), 0) };
}

/** What a terminal would show of a line: the text after its last carriage return. */
export function toTerminalText(text: string): string {
  const ended = text.endsWith('\r') ? text.slice(0, -1) : text;
  return ended.slice(ended.lastIndexOf('\r') + 1);
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

/** A line's id as numbers, in the order of the log: event, then place in it. */
function toPlace(id: string): readonly [number, number] {
  const [seq = 0, place = 0] = id.split('.').map(Number);
  return [seq, place];
}

/** Number of the event that a line's id names, null for a text that is none. */
export function toLineSeq(id: string): number | null {
  return /^\d{1,9}(\.\d{1,9})?$/.test(id) ? toPlace(id)[0] : null;
}

/**
 * Place in `lines` of the line that an id names, or of the one before it where that line is part of a longer one here;
 * -1 for no line. Lines stand in the order of their ids.
 */
export function findLine(lines: readonly LogLine[], id: string): number {
  const [seq, place] = toPlace(id);
  let [from, to] = [0, lines.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const [lineSeq, linePlace] = toPlace(lines[middle]?.id ?? '');
    if (lineSeq < seq || (lineSeq === seq && linePlace <= place)) from = middle + 1;
    else to = middle;
  }
  return lines.length === 0 ? -1 : Math.max(0, from - 1);
}
