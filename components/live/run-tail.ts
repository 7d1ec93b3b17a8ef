import type { RunEvent } from '@/lib/run/run-event';

/**
 * What a browser tab keeps of a run's log without being asked: every note (few), and the newest events up to
 * `TAIL_COST`. Older output stays on the server and is read when somebody scrolls there.
 */
export interface RunTail {
  /** Every event but the hosts' output. */
  readonly notes: readonly RunEvent[];
  /** The end of the log, notes and output, without a gap up to `last`. */
  readonly newest: readonly RunEvent[];
  /** Number of the newest event, 0 for an empty log. */
  readonly last: number;
}

export const EMPTY_TAIL: RunTail = { notes: [], newest: [], last: 0 };

/** About a byte per character and a hundred per line: what lines cost in memory, roughly. */
export const TAIL_COST = 2_000_000;

const LINE_COST = 100;

/** What an event costs to keep as lines. */
export function toEventCost({ body }: RunEvent): number {
  if (body.type !== 'step.output') return 2 * LINE_COST;
  let lines = 1;
  for (let at = body.text.indexOf('\n'); at >= 0; at = body.text.indexOf('\n', at + 1)) lines += 1;
  return body.text.length + lines * LINE_COST;
}

export const isNote = ({ body }: RunEvent): boolean => body.type !== 'step.output';

/** The end of a list whose cost is at most `limit`; at least its last event. */
export function keepEnd(events: readonly RunEvent[], limit: number): readonly RunEvent[] {
  let cost = 0;
  let from = events.length;
  while (from > 0) {
    const event = events[from - 1];
    cost += event ? toEventCost(event) : 0;
    if (cost > limit && from < events.length) break;
    from -= 1;
  }
  return from === 0 ? events : events.slice(from);
}

/** The tail with what is new; events come in order, those that are here already are left out. */
export function withEvents(tail: RunTail, more: readonly RunEvent[]): RunTail {
  const fresh = more.filter((event) => event.seq > tail.last);
  const newest = fresh.at(-1);
  if (!newest) return tail;
  const notes = fresh.filter(isNote);
  return {
    notes: notes.length === 0 ? tail.notes : [...tail.notes, ...notes],
    newest: keepEnd([...tail.newest, ...fresh], TAIL_COST),
    last: newest.seq,
  };
}

/** True when the tail holds the log from its first event on. */
export function isWholeLog(tail: RunTail): boolean {
  return tail.last === 0 || tail.newest[0]?.seq === 1;
}
