import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '@/lib/run/run-event';
import { EMPTY_TAIL, TAIL_COST, withEvents } from '@/components/live/run-tail';
import type { RunTail } from '@/components/live/run-tail';
import { findLine, LogLines } from './log-lines';
import { LogStore } from './log-store';
import type { LogPage, LogQuery } from './log-store';

const steps = new Map([
  ['a', { nodeId: 'n-1', number: 1, title: 'one' }],
  ['b', { nodeId: 'n-2', number: 2, title: 'two' }],
]);

/** A log of `count` events of both steps; each is 20 lines of 1,000 letters that name their event. */
function makeLog(count: number): RunEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const stepId = index % 3 === 0 ? 'b' : 'a';
    const text = Array.from(
      { length: 20 },
      (_, line) => `<${index + 1}/${line}> ${'x'.repeat(1_000)}\n`,
    ).join('');
    const body = { type: 'step.output' as const, stepId, offset: 0, nextOffset: 0, text };
    return { seq: index + 1, at: '2026-01-01T00:00:00Z', body };
  });
}

/** What the server does with a query: the part asked for, at most 50 events at once. */
function readOf(log: readonly RunEvent[], stepId: string | null) {
  return ({ after = 0, before, limit, contains }: LogQuery): Promise<LogPage> => {
    const all = log.filter(
      ({ seq, body }) =>
        seq > after &&
        (before === undefined || seq < before) &&
        (stepId === null || ('stepId' in body && body.stepId === stepId)) &&
        (contains === undefined || (body.type === 'step.output' && body.text.includes(contains))),
    );
    const size = Math.min(limit, 50);
    const events = before === undefined ? all.slice(0, size) : all.slice(-size);
    return Promise.resolve({ events, more: events.length < all.length });
  };
}

function toTail(log: readonly RunEvent[]): RunTail {
  return log.reduce<RunTail>((tail, event) => withEvents(tail, [event]), EMPTY_TAIL);
}

function linesOf(log: readonly RunEvent[], stepId: string | null): string[] {
  const lines = new LogLines(steps);
  lines.add(log);
  return lines.lines.filter((line) => stepId === null || line.stepId === stepId).map((line) => line.text);
}

function open(log: readonly RunEvent[], stepId: string | null = null, tail = toTail(log)) {
  return new LogStore({ steps, stepId, tail, read: readOf(log, stepId) });
}

const LONG = makeLog(400);
const moves = fc.array(
  fc.oneof(
    fc.constantFrom('older', 'older', 'newer', 'first', 'end').map((move) => ({ move, seq: 0 })),
    fc.integer({ min: 1, max: LONG.length }).map((seq) => ({ move: 'open', seq })),
  ),
  { maxLength: 14 },
);

describe('LogStore', () => {
  it.each([null, 'a', 'b'])(
    'shows a part of the log without a gap, wherever one goes (step %s)',
    async (stepId) => {
      const whole = linesOf(LONG, stepId);
      await fc.assert(
        fc.asyncProperty(moves, async (path) => {
          const store = open(LONG, stepId);
          await store.start();
          for (const { move, seq } of path) {
            if (move === 'open') await store.open(`${seq}`);
            if (move === 'older') await store.older();
            if (move === 'newer') await store.newer();
            if (move === 'first') await store.first();
            if (move === 'end') await store.end();
            const { lines, isStart, isEnd } = store.snapshot();
            const from = whole.indexOf(lines[0]?.text ?? '');
            expect(lines.map((line) => line.text)).toEqual(whole.slice(from, from + lines.length));
            expect(lines.length).toBeGreaterThan(0);
            expect(lines.length * 1_100).toBeLessThan(TAIL_COST * 1.6);
            if (isStart) expect(from).toBe(0);
            if (isEnd) expect(from + lines.length).toBe(whole.length);
          }
        }),
        { numRuns: 25 },
      );
    },
  );

  it('follows the end, and stays where it is while one reads further up', async () => {
    let tail = toTail(LONG.slice(0, 300));
    const store = open(LONG, null, tail);
    const last = () => store.snapshot().lines.at(-1)?.id;
    for (const event of LONG.slice(300, 350)) store.follow((tail = withEvents(tail, [event])));
    expect(last()).toBe('350.19');
    await store.first();
    const before = last();
    for (const event of LONG.slice(350)) store.follow((tail = withEvents(tail, [event])));
    expect(last()).toBe(before);
    expect(store.snapshot().isEnd).toBe(false);
    await store.end();
    expect(last()).toBe('400.19');
  });

  it('jumps when more came at once than a tail holds', () => {
    const store = open(LONG, null, toTail(LONG.slice(0, 10)));
    store.follow(toTail(LONG));
    expect(store.snapshot()).toMatchObject({ isStart: false, isEnd: true });
    expect(store.snapshot().lines.at(-1)?.id).toBe('400.19');
  });

  it('finds in the whole log, and says when nothing is there', async () => {
    const store = open(LONG);
    expect(await store.find('<17/3>', 0)).toBe(17);
    expect(await store.find('<17/3>', 17)).toBe(17); // around the end
    expect(await store.find('<17/3>', 200)).toBe(17);
    expect(await store.find('nowhere', 0)).toBeNull();
    await store.open('17.3');
    const { lines } = store.snapshot();
    expect(lines[findLine(lines, '17.3')]?.text.startsWith('<17/3>')).toBe(true);
  });

  it('keeps what it shows when the server does not answer, and says so', async () => {
    const tail = toTail(LONG);
    const store = new LogStore({ steps, stepId: null, tail, read: () => Promise.reject(new Error('no')) });
    const before = store.snapshot().lines.length;
    await store.older();
    expect(store.snapshot().lines).toHaveLength(before);
    expect(store.snapshot().error).toMatch(/could not be read/);
    expect(store.snapshot().busy).toBeNull();
  });
});
