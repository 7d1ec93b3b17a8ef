import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FailureCode } from '@/lib/core/failure';
import type { Failure } from '@/lib/core/failure';
import { toBackoffMs } from './backoff';
import { nextRunState, nextStepState } from './next-state';
import { runCan } from './run-can';
import { RunEventBody, RunState, StepState } from './run-event';
import type { RunEvent } from './run-event';
import { RUN_STATES, STEP_STATES, toRunWord } from './run-states';
import { toRunSummary } from './run-summary';
import { toEndState } from './to-end-state';

const failure: Failure = { code: 'step-exit', message: 'It broke.', nextAction: 'Look.' };
const steps = Array.from({ length: 5 }, (_, index) => `s${index + 1}`);

/** Bodies as events, a second apart. */
function toLog(bodies: readonly RunEventBody[]): RunEvent[] {
  return bodies.map((body, index) => ({
    seq: index + 1,
    at: new Date(1_800_000_000_000 + index * 1_000).toISOString(),
    body,
  }));
}
const begin: RunEventBody[] = [
  { type: 'run.queued', by: 'ann', steps: 5 },
  { type: 'run.claimed', worker: 'w1', previousEpoch: null },
];
const done = (stepId: string): RunEventBody[] => [
  { type: 'step.started', stepId, attempt: 1 },
  { type: 'step.probed', stepId, satisfied: false },
  { type: 'step.act-started', stepId, attempt: 1 },
  { type: 'step.output', stepId, offset: 0, nextOffset: 12, text: 'hello world\n' },
  { type: 'step.finished', stepId, outcome: 'done', outputs: { node: 's1' } },
];
const failed = (stepId: string): RunEventBody[] => [
  ...done(stepId).slice(0, 4),
  { type: 'step.failed', stepId, failure },
];

describe('a summary', () => {
  it('says where a run is', () => {
    const log = toLog([...begin, ...done('s1'), ...done('s2').slice(0, 3)]);
    expect(toRunSummary(log, steps)).toMatchObject({
      state: 'running',
      stepsTotal: 5,
      stepsDone: 1,
      current: { stepId: 's2', number: 2, label: 'step 2 of 5' },
      startedAt: log[1]?.at,
      finishedAt: null,
      cause: null,
    });
    const [first, second, third] = toRunSummary(log, steps).steps;
    expect(first).toMatchObject({
      state: 'done',
      outcome: 'done',
      outputs: { node: 's1' },
      outputBytes: 12,
      attempt: 1,
    });
    expect(second).toMatchObject({ state: 'acting', startedAt: log[7]?.at, finishedAt: null });
    expect(third).toMatchObject({ state: 'waiting', startedAt: null });
  });

  it('puts the cause on top and looks at the step that failed', () => {
    const log = toLog([
      ...begin,
      ...done('s1'),
      ...failed('s2'),
      { type: 'run.finished', state: 'failed', failure },
    ]);
    const summary = toRunSummary(log, steps);
    expect(summary).toMatchObject({
      state: 'failed',
      cause: { failure, stepId: 's2' },
      current: { label: 'step 2 of 5' },
    });
    expect(summary.finishedAt).toBe(log.at(-1)?.at);
  });

  it('tells of another worker, a lost host and who asked for the end', () => {
    const log = toLog([
      ...begin,
      ...done('s1').slice(0, 3),
      { type: 'host.lost', nodeId: 'n-1', failure: { ...failure, message: 's1 does not answer.' } },
      { type: 'run.claimed', worker: 'w2', previousEpoch: '7' },
      { type: 'host.back', nodeId: 'n-1', rebooted: true },
      { type: 'run.cancel-requested', by: 'bob' },
    ]);
    const summary = toRunSummary(log, steps);
    expect(summary.notes.map(({ text, nodeId }) => [text, nodeId])).toEqual([
      ['s1 does not answer.', 'n-1'],
      ['Continued by another worker at step 1 of 5.', null],
      ['The host is back after a reboot.', 'n-1'],
      ['bob asked for the end of the run.', null],
    ]);
    expect(summary).toMatchObject({ lostNodes: [], cancelRequestedBy: 'bob' });
    expect(toRunSummary(log.slice(0, 6), steps).lostNodes).toEqual(['n-1']);
  });

  it('starts again where it stopped: what was done stays done', () => {
    const stop: RunEventBody = { type: 'run.finished', state: 'failed', failure };
    const log = toLog([
      ...begin,
      ...done('s1'),
      ...failed('s2'),
      stop,
      { type: 'run.retry-requested', by: 'bob' },
    ]);
    expect(toRunSummary(log, steps)).toMatchObject({
      state: 'queued',
      cause: null,
      stepsDone: 1,
      finishedAt: null,
      current: null,
    });
    expect(toRunSummary(log, steps).steps.map(({ state }) => state)).toEqual([
      'done',
      'waiting',
      'waiting',
      'waiting',
      'waiting',
    ]);
  });

  it('keeps the reason of a skip', () => {
    const skip: RunEventBody = { type: 'step.skipped', stepId: 's2', by: 'bob', reason: 'done by hand' };
    const summary = toRunSummary(toLog([...begin, ...failed('s2'), skip]), steps);
    expect(summary.steps[1]).toMatchObject({ state: 'skipped', skipReason: 'done by hand' });
    expect(summary.stepsDone).toBe(1);
  });
});

const stepId = fc.constantFrom(...steps);
const word = fc.constantFrom('x', 'ann');
const anyFailure = fc.record({
  code: fc.constantFrom(...FailureCode.options),
  message: word,
  nextAction: word,
});
const anyBody: fc.Arbitrary<RunEventBody> = fc.oneof(
  fc.record({ type: fc.constant('run.queued' as const), by: word, steps: fc.nat(9) }),
  fc.record({ type: fc.constant('run.claimed' as const), worker: word, previousEpoch: fc.option(word) }),
  fc.record({
    type: fc.constantFrom(
      'run.cancel-requested' as const,
      'run.retry-requested' as const,
      'run.resume-requested' as const,
    ),
    by: word,
  }),
  fc.record({
    type: fc.constant('run.retry-requested' as const),
    by: word,
    nodeId: word,
    stepIds: fc.array(stepId, { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('run.finished' as const),
    state: fc.constantFrom(...RunState.options),
    failure: fc.option(anyFailure),
  }),
  fc.record({ type: fc.constant('host.lost' as const), nodeId: word, failure: anyFailure }),
  fc.record({ type: fc.constant('host.back' as const), nodeId: word, rebooted: fc.boolean() }),
  fc.record({
    type: fc.constantFrom('step.started' as const, 'step.act-started' as const),
    stepId,
    attempt: fc.nat(3),
  }),
  fc.record({ type: fc.constant('step.probed' as const), stepId, satisfied: fc.boolean() }),
  fc.record({ type: fc.constant('step.progress' as const), stepId, text: word }),
  fc.record({ type: fc.constant('step.reattached' as const), stepId, offset: fc.nat() }),
  fc.record({ type: fc.constant('step.verifying' as const), stepId }),
  fc.record({ type: fc.constant('step.cancel-deferred' as const), stepId, reason: word }),
  fc.record({
    type: fc.constant('step.output-cut' as const),
    stepId,
    offset: fc.nat(9),
    bytes: fc.nat(99),
    sha256: word,
  }),
  fc.record({
    type: fc.constant('step.output' as const),
    stepId,
    offset: fc.nat(9),
    nextOffset: fc.nat(99),
    text: word,
  }),
  fc.record({
    type: fc.constant('step.finished' as const),
    stepId,
    outcome: fc.constantFrom('done' as const, 'already-so' as const),
    outputs: fc.constant({}),
  }),
  fc.record({ type: fc.constant('step.failed' as const), stepId, failure: anyFailure }),
  fc.record({ type: fc.constant('step.skipped' as const), stepId, by: word, reason: word }),
  fc.record({ type: fc.constant('step.cancelled' as const), stepId }),
);

describe('a run taken up again', () => {
  const stop: RunEventBody = { type: 'run.finished', state: 'failed', failure };
  const log = [...begin, ...done('s1'), ...failed('s2'), ...failed('s3'), stop];
  const statesAfter = (...more: RunEventBody[]) =>
    toRunSummary(toLog([...log, ...more]), steps).steps.map(({ state }) => state);

  it('starts the steps of one host again and leaves the others as they are', () => {
    const retry: RunEventBody = {
      type: 'run.retry-requested',
      by: 'bob',
      nodeId: 'n-2',
      stepIds: ['s2', 's4'],
    };
    expect(statesAfter(retry)).toEqual(['done', 'waiting', 'failed', 'waiting', 'waiting']);
    expect(statesAfter({ type: 'run.retry-requested', by: 'bob' })[2]).toBe('waiting');
  });

  it('goes past what was skipped, keeps why, and says so at its end', () => {
    const skipped: RunEventBody = { type: 'step.skipped', stepId: 's2', by: 'bob', reason: 'done by hand' };
    const resumed: RunEventBody = { type: 'run.resume-requested', by: 'bob' };
    expect(toRunSummary(toLog([...log, skipped]), steps).state).toBe('failed');
    const summary = toRunSummary(toLog([...log, skipped, resumed]), steps);
    expect(summary).toMatchObject({ state: 'queued', stepsDone: 2, stepsSkipped: 1, cause: null });
    expect(summary.steps[1]).toMatchObject({ state: 'skipped', skipReason: 'done by hand' });
    expect(statesAfter(skipped, resumed, { type: 'run.retry-requested', by: 'bob' })[1]).toBe('skipped');
    expect(toRunWord({ state: 'done', stepsSkipped: 2 })).toBe('done with 2 skipped');
    expect(toRunWord({ state: 'done', stepsSkipped: 0 })).toBe('done');
  });

  it('ends by its cause', () => {
    const ends = new Set(FailureCode.options.map(toEndState));
    expect([...ends].sort()).toEqual(['failed', 'needs-attention', 'unreachable']);
    expect(toEndState('stale-epoch')).toBe('needs-attention');
    expect(toEndState('connection-lost')).toBe('unreachable');
  });
});

describe('any log', () => {
  it('has a body of every type in this test', () => {
    const seen = new Set(fc.sample(anyBody, { numRuns: 2_000, seed: 1 }).map(({ type }) => type));
    expect([...seen].sort()).toEqual(RunEventBody.options.map((option) => option.shape.type.value).sort());
  });

  it('summarises from every prefix, with counts that hold and ends that stay', () => {
    fc.assert(
      fc.property(fc.array(anyBody, { maxLength: 40 }), (bodies) => {
        const log = toLog(bodies);
        let before = toRunSummary([], steps);
        for (let length = 1; length <= log.length; length += 1) {
          const now = toRunSummary(log.slice(0, length), steps);
          const type = bodies[length - 1]?.type;
          expect(now.stepsDone).toBeLessThanOrEqual(now.stepsTotal);
          expect(now.steps.length).toBe(5);
          expect(now.state).toBe(
            nextRunState(before.state, log[length - 1]?.body ?? { type: 'run.queued', by: '', steps: 0 }),
          );
          const isAgain = type === 'run.retry-requested' || type === 'run.resume-requested';
          if (RUN_STATES[before.state].isTerminal && !isAgain) {
            expect([now.state, now.finishedAt]).toEqual([before.state, before.finishedAt]);
          }
          if (RUN_STATES[now.state].isTerminal) expect(now.finishedAt).not.toBeNull();
          before.steps.forEach(({ state }, index) => {
            if (state === 'done' || state === 'skipped') expect(now.steps[index]?.state).toBe(state);
          });
          before = now;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('needs a person to leave an end, and nothing leaves done', () => {
    fc.assert(
      fc.property(fc.constantFrom(...RunState.options), anyBody, (state, body) => {
        const next = nextRunState(state, body);
        if (RUN_STATES[state].isTerminal && next !== state) {
          expect([next, state === 'done']).toEqual(['queued', false]);
          expect(body.type).toMatch(/^run\.(retry|resume)-requested$/);
        }
        if (next !== state && RUN_STATES[next].isTerminal) expect(body.type).toBe('run.finished');
      }),
    );
  });

  it('brings a step back only by another start or a retry', () => {
    fc.assert(
      fc.property(fc.constantFrom(...StepState.options), anyBody, (state, body) => {
        const next = nextStepState(state, body);
        if (state === 'done' || state === 'skipped') expect(next).toBe(state);
      }),
    );
  });
});

describe('what may be done', () => {
  it.each(RunState.options)('answers in words for a run that is %s', (state) => {
    const situation = { state, cancelRequested: false };
    const isOver = RUN_STATES[state].isTerminal;
    const answers = [
      runCan.cancel(situation),
      runCan.retry(situation),
      runCan.resume(situation),
      runCan.retryHost({ ...situation, stepStates: ['done', 'failed'] }),
      runCan.skip({ ...situation, stepState: 'failed', uninterruptible: null }),
      runCan.skip({ ...situation, stepState: 'failed', uninterruptible: 'half of it is worse than none' }),
    ];
    for (const answer of answers) if (!answer.allowed) expect(answer.reason).toMatch(/^[A-Z].*\.$/);
    expect(runCan.cancel(situation).allowed).toBe(!isOver);
    expect(runCan.retry(situation).allowed).toBe(isOver && state !== 'done');
    expect(runCan.resume(situation).allowed).toBe(state === 'cancelled' || state === 'unreachable');
    const skip = { ...situation, stepState: 'failed', uninterruptible: null } as const;
    expect(runCan.skip(skip).allowed).toBe(state === 'failed' || state === 'needs-attention');
    expect(runCan.skip({ ...skip, stepState: 'done' }).allowed).toBe(false);
    expect(runCan.skip({ ...skip, uninterruptible: 'half of it is worse than none' }).allowed).toBe(false);
    expect(runCan.retryHost({ ...situation, stepStates: ['done', 'waiting'] })).toEqual(
      runCan.retry(situation),
    );
    expect(runCan.retryHost({ ...situation, stepStates: ['done', 'skipped'] }).allowed).toBe(false);
  });

  it('takes up nothing whose log is no longer kept', () => {
    const old = { state: 'cancelled', cancelRequested: false, logDroppedAt: '2026-01-02T03:04:05Z' } as const;
    for (const answer of [
      runCan.retry(old),
      runCan.resume(old),
      runCan.retryHost({ ...old, stepStates: ['failed'] }),
      runCan.skip({ ...old, state: 'failed', stepState: 'failed', uninterruptible: null }),
    ])
      expect(answer).toEqual({ allowed: false, reason: expect.stringMatching(/no longer kept/) as string });
  });

  it('cancels once', () => {
    expect(runCan.cancel({ state: 'running', cancelRequested: true })).toEqual({
      allowed: false,
      reason: 'The run is being cancelled already.',
    });
  });
});

describe('states', () => {
  it('have five ends, each with its own word and shape', () => {
    const ends = Object.values(RUN_STATES).filter(({ isTerminal }) => isTerminal);
    expect(ends.length).toBe(5);
    for (const key of ['word', 'shape'] as const) {
      expect(new Set(Object.values(RUN_STATES).map((row) => row[key])).size).toBe(7);
      expect(
        new Set(
          Object.values(STEP_STATES)
            .filter(({ isTerminal }) => isTerminal)
            .map((row) => row[key]),
        ).size,
      ).toBe(4);
    }
  });
});

describe('backoff', () => {
  it('doubles to 30 s and keeps within a fifth', () => {
    expect([1, 2, 3, 4, 5, 6, 100].map((attempt) => toBackoffMs(attempt, 0))).toEqual([
      1e3, 2e3, 4e3, 8e3, 16e3, 3e4, 3e4,
    ]);
    expect(toBackoffMs(6, 0.999)).toBeGreaterThan(23_900);
    expect(toBackoffMs(0, 0)).toBe(1_000);
  });
});
