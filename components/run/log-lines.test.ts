import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunEvent, RunEventBody } from '@/lib/run/run-event';
import { findMatches, LogLines, toPlainText, toTerminalText } from './log-lines';

const steps = new Map([
  ['s1', { nodeId: 'n-1', number: 1, title: 'Write a file' }],
  ['s2', { nodeId: 'n-2', number: 2, title: 'Start a unit' }],
]);
let seq = 0;
function event(body: RunEventBody): RunEvent {
  seq += 1;
  return { seq, at: '2026-01-01T00:00:00Z', body };
}
function output(stepId: string, text: string): RunEvent {
  return event({ type: 'step.output', stepId, offset: 0, nextOffset: text.length, text });
}
const texts = (log: LogLines) => log.lines.filter((line) => line.kind === 'output').map((line) => line.text);

describe('LogLines', () => {
  it('gives the same lines however the output is cut into events', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z ]{0,8}$/), { maxLength: 8 }),
        fc.infiniteStream(fc.nat(5)),
        (lines, cuts) => {
          const text = lines.map((line) => `${line}\n`).join('');
          const log = new LogLines(steps);
          for (let from = 0; from < text.length;) {
            const to = from + (cuts.next().value ?? 0) + 1;
            log.add([output('s1', text.slice(from, to))]);
            from = to;
          }
          expect(texts(log)).toEqual(lines);
        },
      ),
    );
  });

  it('keeps the unfinished lines of two hosts apart', () => {
    const log = new LogLines(steps);
    log.add([output('s1', 'one '), output('s2', 'two '), output('s1', 'more\n'), output('s2', 'lines\n')]);
    expect(log.lines.map((line) => [line.nodeId, line.text])).toEqual([
      ['n-1', 'one more'],
      ['n-2', 'two lines'],
    ]);
  });

  it('shows progress as a terminal does', () => {
    const log = new LogLines(steps);
    log.add([output('s1', ' 10 %\r'), output('s1', ' 20 %\r'), output('s1', ' 30 %\ndone\n')]);
    expect(texts(log).at(-1)).toBe('done');
    expect(log.lines).toHaveLength(2);
  });

  it('names steps by their number', () => {
    const log = new LogLines(steps);
    log.add([
      event({ type: 'step.started', stepId: 's2', attempt: 2 }),
      event({ type: 'step.finished', stepId: 's2', outcome: 'done', outputs: {} }),
    ]);
    expect(log.lines.map((line) => [line.nodeId, line.text])).toEqual([
      ['n-2', 'step 2: Start a unit, try 2'],
      ['n-2', 'step 2 done'],
    ]);
  });

  it('reads an event once', () => {
    const log = new LogLines(steps);
    const events = [output('s1', 'once\n')];
    expect([log.add(events), log.add(events)]).toEqual([true, false]);
    expect(log.lines).toHaveLength(1);
  });

  it('names each line once', () => {
    const log = new LogLines(steps);
    log.add([output('s1', 'a\nb\nc'), output('s1', 'd\ne\n')]);
    expect(new Set(log.lines.map((line) => line.id)).size).toBe(log.lines.length);
  });
});

it('drops what a carriage return has overwritten', () => {
  expect(toTerminalText('abc\rxyz')).toBe('xyz');
  expect(toTerminalText('abc\r')).toBe('abc');
});

it('finds text through colours', () => {
  const log = new LogLines(steps);
  log.add([output('s1', 'all good\n\u001b[31mErr\u001b[0mor: no\n')]);
  expect(findMatches(log.lines, 'error')).toEqual([1]);
  expect(findMatches(log.lines, '  ')).toEqual([]);
  expect(toPlainText('\u001b]0;title\u0007x')).toBe('x');
});
