import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '@/lib/run/run-event';
import { EMPTY_TAIL, isWholeLog, keepEnd, TAIL_COST, toEventCost, withEvents } from './run-tail';

const output = (seq: number, text: string): RunEvent => ({
  seq,
  at: '',
  body: { type: 'step.output', stepId: 'x', offset: 0, nextOffset: text.length, text },
});
const note = (seq: number): RunEvent => ({ seq, at: '', body: { type: 'step.cancelled', stepId: 'x' } });

describe('the tail of a log', () => {
  it('keeps every note, and of the output no more than its limit', () => {
    let tail = withEvents(EMPTY_TAIL, [note(1)]);
    const text = `${'x'.repeat(99)}\n`.repeat(1_000);
    for (let seq = 2; seq < 1_050; seq += 2) tail = withEvents(tail, [output(seq, text), note(seq + 1)]);
    expect(tail.notes).toHaveLength(525);
    expect(tail.newest.reduce((sum, event) => sum + toEventCost(event), 0)).toBeLessThanOrEqual(TAIL_COST);
    expect(tail.last).toBe(1_049);
    expect(isWholeLog(tail)).toBe(false);
  });

  it('ends at the newest event and has no gap, however events come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }), (sizes) => {
        let tail = EMPTY_TAIL;
        let seq = 0;
        for (const size of sizes) {
          const batch = Array.from({ length: size }, (_, index) => output(seq + index, 'y'.repeat(40_000)));
          seq += size - 1; // the last one of each batch comes again with the next
          tail = withEvents(tail, batch);
          const first = tail.newest[0]?.seq ?? 0;
          expect(tail.newest.map((event) => event.seq)).toEqual(tail.newest.map((_, at) => first + at));
          expect(tail.newest.at(-1)?.seq ?? 0).toBe(tail.last);
        }
      }),
    );
  });

  it('keeps the last event whatever it costs', () => {
    const events = [output(1, 'a'), output(2, 'b'.repeat(500))];
    expect(keepEnd(events, 10)).toEqual(events.slice(1));
    expect(keepEnd(events, 10_000)).toBe(events);
  });
});
