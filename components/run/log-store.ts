import type { RunEvent } from '@/lib/run/run-event';
import type { LogStep } from '@/lib/run/to-log-note';
import { isWholeLog, keepEnd, TAIL_COST, toEventCost } from '@/components/live/run-tail';
import type { RunTail } from '@/components/live/run-tail';
import { LogLines, toLineSeq } from './log-lines';
import type { LogLine } from './log-lines';

/** A part of the log as the server gives it. */
export interface LogPage {
  readonly events: readonly RunEvent[];
  readonly more: boolean;
}

export interface LogQuery {
  readonly after?: number;
  readonly before?: number;
  readonly limit: number;
  readonly contains?: string;
}

/** What is shown of a log. */
export interface LogSnapshot {
  readonly lines: readonly LogLine[];
  /** Nothing stands before the first line. */
  readonly isStart: boolean;
  /** Nothing stands after the last line: new lines appear here. */
  readonly isEnd: boolean;
  /** What is being read from the server right now. */
  readonly busy: 'part' | 'search' | null;
  /** What went wrong with the last read, in words. */
  readonly error: string | null;
}

interface Options {
  readonly steps: ReadonlyMap<string, LogStep>;
  /** Only this step's lines; null for all. */
  readonly stepId: string | null;
  readonly tail: RunTail;
  /** Reads a part of this log (of the step where there is one); rejects when the server does not answer. */
  readonly read: (query: LogQuery) => Promise<LogPage>;
}

const PAGE_EVENTS = 1_000;
const NOT_READ = 'This part of the log could not be read. Check the connection and try again.';

/**
 * A window on a log that may be far larger than a browser's memory: a run of events without a gap, at most
 * `TAIL_COST` of them, that grows at one end and is cut at the other.
 *
 *        ◀── older() ──┐  ┌── newer() ──▶
 *   [ server only ] [ window ] [ server only ] [ tail, kept by the event stream ]
 *                                  end() ─────────▶ window = tail, and follows it
 */
export class LogStore {
  readonly #options: Options;
  readonly #listeners = new Set<() => void>();
  #events: readonly RunEvent[] = [];
  #lines: LogLines;
  #tail: RunTail;
  /** Everything up to this number is in the window or before it. */
  #upTo = 0;
  #cost = 0;
  #snapshot: LogSnapshot;

  constructor(options: Options) {
    this.#options = options;
    this.#tail = options.tail;
    this.#lines = new LogLines(options.steps);
    const isKnown = options.stepId === null || isWholeLog(options.tail);
    this.#snapshot = { lines: [], isStart: false, isEnd: isKnown, busy: null, error: null };
    if (isKnown) this.#showTail();
  }

  snapshot = (): LogSnapshot => this.#snapshot;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The end of the log moved on; a window at the end moves with it, any other stays where it is. */
  follow(tail: RunTail): void {
    this.#tail = tail;
    if (!this.#snapshot.isEnd || tail.last <= this.#upTo) return;
    const [first] = tail.newest;
    if (first && first.seq > this.#upTo + 1) return this.#showTail(); // more came at once than a tail holds
    this.#append(tail.newest.filter((event) => event.seq > this.#upTo));
    this.#upTo = tail.last;
    this.#show({});
  }

  /** Reads what is missing at first: the end of a step of a long log. */
  start(): Promise<void> {
    return this.#snapshot.isEnd || this.#events.length > 0 ? Promise.resolve() : this.end();
  }

  older(): Promise<void> {
    const [first] = this.#events;
    if (this.#snapshot.isStart || !first) return Promise.resolve();
    return this.#read('part', async () => {
      const page = await this.#options.read({ before: first.seq, limit: PAGE_EVENTS });
      const all = [...page.events, ...this.#events];
      const kept = keepStart(all, TAIL_COST);
      const isCut = kept.length < all.length;
      this.#set(kept, isCut ? (kept.at(-1)?.seq ?? 0) : this.#upTo);
      return { isStart: !page.more, ...(isCut && { isEnd: false }) };
    });
  }

  newer(): Promise<void> {
    if (this.#snapshot.isEnd) return Promise.resolve();
    return this.#read('part', async () => {
      const known = this.#tail.last;
      const page = await this.#options.read({ after: this.#upTo, limit: PAGE_EVENTS });
      this.#append(page.events);
      this.#upTo = Math.max(page.events.at(-1)?.seq ?? 0, page.more ? 0 : known, this.#upTo);
      return { isEnd: !page.more };
    });
  }

  /** The end of the log; from then on the window follows it. */
  end(): Promise<void> {
    if (this.#options.stepId === null || isWholeLog(this.#tail)) {
      this.#showTail();
      return Promise.resolve();
    }
    return this.#read('part', async () => {
      const known = this.#tail.last;
      const page = await this.#options.read({ before: 2_147_483_647, limit: PAGE_EVENTS });
      this.#set(page.events, Math.max(known, page.events.at(-1)?.seq ?? 0));
      return { isStart: !page.more, isEnd: true };
    });
  }

  /** The first lines of the log. */
  first(): Promise<void> {
    if (this.#snapshot.isStart) return Promise.resolve();
    return this.#read('part', async () => {
      const page = await this.#options.read({ after: 0, limit: PAGE_EVENTS });
      this.#set(page.events, page.events.at(-1)?.seq ?? 0);
      return { isStart: true, isEnd: !page.more };
    });
  }

  /** Brings the line that an id names into the window, with lines before and after it. */
  open(lineId: string): Promise<void> {
    const seq = toLineSeq(lineId);
    const [first] = this.#events;
    if (seq === null || (first && (first.seq <= seq || this.#snapshot.isStart) && seq <= this.#upTo)) {
      return Promise.resolve();
    }
    return this.#read('part', async () => {
      const before = await this.#options.read({ before: seq + 1, limit: PAGE_EVENTS / 2 });
      const after = await this.#options.read({ after: seq, limit: PAGE_EVENTS / 2 });
      const events = [...before.events, ...after.events];
      this.#set(events, events.at(-1)?.seq ?? 0);
      return { isStart: !before.more, isEnd: !after.more };
    });
  }

  /** Number of the next event after `afterSeq` that holds a text, around the end if need be; null when none does. */
  async find(contains: string, afterSeq: number): Promise<number | null> {
    let found: number | null = null;
    await this.#read('search', async () => {
      const query = { contains, limit: 1 };
      const next = await this.#options.read({ ...query, after: afterSeq });
      const [hit] =
        next.events.length > 0 ? next.events : (await this.#options.read({ ...query, after: 0 })).events;
      found = hit?.seq ?? null;
      return {};
    });
    return found;
  }

  /** One read at a time; what a read finds is shown at once. */
  async #read(busy: 'part' | 'search', work: () => Promise<Partial<LogSnapshot>>): Promise<void> {
    if (this.#snapshot.busy !== null) return;
    this.#show({ busy, error: null });
    try {
      this.#show(await work());
    } catch {
      this.#show({ error: NOT_READ });
    }
    this.#show({ busy: null });
    this.follow(this.#tail);
  }

  #showTail(): void {
    const { stepId } = this.#options;
    const { newest, last } = this.#tail;
    this.#set(stepId === null ? newest : newest.filter((event) => isOfStep(event, stepId)), last);
    this.#show({ isStart: isWholeLog(this.#tail), isEnd: true });
  }

  #set(events: readonly RunEvent[], upTo: number): void {
    this.#events = events;
    this.#upTo = upTo;
    this.#cost = events.reduce((sum, event) => sum + toEventCost(event), 0);
    this.#lines = new LogLines(this.#options.steps);
    this.#lines.add(events);
  }

  /** Adds at the end; once it is half too long, the window is cut at its start and read anew. */
  #append(more: readonly RunEvent[]): void {
    const { stepId } = this.#options;
    const events = stepId === null ? more : more.filter((event) => isOfStep(event, stepId));
    this.#events = [...this.#events, ...events];
    this.#cost += events.reduce((sum, event) => sum + toEventCost(event), 0);
    if (this.#cost <= TAIL_COST * 1.5) return void this.#lines.add(events);
    const kept = keepEnd(this.#events, TAIL_COST);
    if (kept.length < this.#events.length) this.#snapshot = { ...this.#snapshot, isStart: false };
    this.#set(kept, this.#upTo);
  }

  #show(change: Partial<LogSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, lines: [...this.#lines.lines], ...change };
    for (const listener of this.#listeners) listener();
  }
}

function isOfStep({ body }: RunEvent, stepId: string): boolean {
  return 'stepId' in body && body.stepId === stepId;
}

/** The start of a list whose cost is at most `limit`; at least its first event. */
function keepStart(events: readonly RunEvent[], limit: number): readonly RunEvent[] {
  let cost = 0;
  const end = events.findIndex((event, index) => {
    cost += toEventCost(event);
    return cost > limit && index > 0;
  });
  return end < 0 ? events : events.slice(0, end);
}
