import { describe, expect, it } from 'vitest';
import type { RunEventBody } from '@/lib/run/run-event';
import { checkRun, findClaimAfter, type RunRecord } from './run-record';

const ONCE = { states: ['done'], acts: 'once' } as const;
const UNTIL_ENDED = { states: ['done'], acts: 'until-ended' } as const;

function toEvents(...bodies: readonly (readonly [bigint, RunEventBody])[]): RunRecord['events'] {
  return bodies.map(([epoch, body], at) => ({ seq: at + 1, epoch, atMs: 1_000 * at, body }));
}

const stepId = 's1';
const STEP = { id: stepId, name: 'a', state: 'done', said: Buffer.from('one\ntwo\n'), isPlain: true };
const GOOD: RunRecord = {
  runId: 'run-1',
  state: 'done',
  lastSeq: 8,
  events: toEvents(
    [1n, { type: 'run.claimed', worker: 'w1', previousEpoch: null }],
    [1n, { type: 'step.started', stepId, attempt: 1 }],
    [1n, { type: 'step.act-started', stepId, attempt: 1 }],
    [1n, { type: 'step.output', stepId, offset: 0, nextOffset: 4, text: 'one\n' }],
    [2n, { type: 'run.claimed', worker: 'w2', previousEpoch: '1' }],
    [2n, { type: 'step.output', stepId, offset: 4, nextOffset: 8, text: 'two\n' }],
    [2n, { type: 'step.finished', stepId, outcome: 'done', outputs: {} }],
    [2n, { type: 'run.finished', state: 'done', failure: null }],
  ),
  steps: [STEP],
  ledger: ['begin a 1', 'end a 1'],
  leftovers: [],
};

/** The good record with some events taken out and the rest numbered again. */
function without(isOut: (body: RunEventBody) => boolean): RunRecord {
  const events = GOOD.events
    .filter(({ body }) => !isOut(body))
    .map((event, at) => ({ ...event, seq: at + 1 }));
  return { ...GOOD, events, lastSeq: events.length };
}

function withEvent(at: number, change: Partial<RunRecord['events'][number]>): RunRecord {
  return {
    ...GOOD,
    events: GOOD.events.map((event, index) => (index === at ? { ...event, ...change } : event)),
  };
}

describe('the checker of the soaks', () => {
  it('finds nothing in a run that was taken over and lost nothing', () => {
    expect(checkRun(GOOD, ONCE)).toEqual([]);
    expect(checkRun(GOOD, UNTIL_ENDED)).toEqual([]);
  });

  const again = { ...GOOD, ledger: ['begin a 1', 'end a 1', 'begin a 2', 'end a 2'] };
  const output = { type: 'step.output', stepId, offset: 4, nextOffset: 8 } as const;
  const doctored: readonly (readonly [string, RunRecord, RegExp])[] = [
    ['a step applied twice', again, /^run-1: I1 step a is done .*begin a?/],
    ['a step applied by nobody', { ...GOOD, ledger: [] }, /I1 .*nothing/],
    ['a step that nobody planned', { ...GOOD, ledger: [...GOOD.ledger, 'begin b 2'] }, /I1 .*step b/],
    ['an act that is over by no account of its own', { ...GOOD, ledger: ['begin a 1'] }, /I1 step a/],
    ['a lost line', without((body) => body.type === 'step.output' && body.offset === 4), /I2 a: .* 4 bytes/],
    [
      'a gap in the log',
      without((body) => body.type === 'step.output' && body.offset === 0),
      /I2 .*begins at 4/,
    ],
    ['a doubled line', withEvent(6, { body: { ...output, text: 'two\n' } }), /I2 .*begins at 4, not at 8/],
    ['a changed line', withEvent(5, { body: { ...output, text: 'tow\n' } }), /I2 .*another text/],
    ['a number left out', withEvent(3, { seq: 5 }), /I2 event 4 has the number 5/],
    ['a number taken and not used', { ...GOOD, lastSeq: 9 }, /I2 the run counts 9/],
    ['a write of a stale epoch', withEvent(5, { epoch: 1n }), /I4 event 6 is of epoch 1/],
    ['no end', without((body) => body.type === 'run.finished'), /0 ends/],
    ['two ends', withEvent(6, { body: { type: 'run.finished', state: 'done', failure: null } }), /2 ends/],
    ['the wrong end', { ...GOOD, state: 'failed' }, /the run is failed/],
    [
      'an open step in a run that is done',
      { ...GOOD, steps: [{ ...STEP, state: 'acting' }] },
      /not a acting/,
    ],
    ['a process left behind', { ...GOOD, leftovers: ['process 7: sh'] }, /left behind: process 7/],
  ];
  it.for(doctored)('finds %s', ([, record, words]) => {
    expect(checkRun(record, ONCE).join('\n')).toMatch(words);
  });

  it('finds an act that begins under a stale epoch', () => {
    const said = Buffer.from('');
    const steps = [STEP, { id: 's2', name: 'b', state: 'failed', said, isPlain: true }];
    const record = { ...GOOD, steps, ledger: ['begin b 2', 'begin a 1', 'end a 1'] };
    expect(checkRun(record, ONCE).join('\n')).toMatch(/I4 a was begun under 1 after 2/);
  });

  it('lets a step be applied again only after an act that was cut', () => {
    const cut = { ...GOOD, ledger: ['begin a 1', 'begin a 2', 'end a 2'] };
    expect(checkRun(cut, UNTIL_ENDED)).toEqual([]);
    expect(checkRun(cut, ONCE)).toHaveLength(1);
    expect(checkRun(again, UNTIL_ENDED)).toHaveLength(1);
  });

  it('says when a run was claimed again', () => {
    expect(findClaimAfter(GOOD, 10)).toBe(4_000);
    expect(findClaimAfter(GOOD, 4_001)).toBeNull();
  });
});
