import { expect } from 'vitest';
import type { Failure } from '@/lib/core/failure';
import type { ExecuteRunOptions } from '@/lib/provision/run-engine';
import type { RunEventBody } from '@/lib/run/run-event';
import type { EngineRig } from './engine-rig';
import type { FaultRow } from './fault-row';
import { findFaultKind } from './fault-step';
import { waitFor } from './wait-for';

/** Short waits for hosts that are away; the engine's own are minutes. */
const LIMITS = { firstContactMs: 2_000, outageMs: 5_000 };
/** Apologies, exclamations and cheers that the words of the product do not have; the lines of a host may. */
const NOT_OUR_WORDS = /sorry|apolog|please|oops|!|successful|unexpected/i;

/** What the work comes to, or an error that names the fault once its bound is over. */
async function untilBound<T>(row: FaultRow, work: Promise<T>): Promise<T> {
  let end: { value: T } | { error: unknown } | null = null;
  work.then(
    (value) => (end = { value }),
    (error: unknown) => (end = { error }),
  );
  const what = `the run with ${row.id} to end within its bound`;
  const settled: { value: T } | { error: unknown } = await waitFor(() => end, {
    what,
    timeoutMs: row.boundS * 1_000,
  });
  if ('error' in settled) throw new Error('the work threw', { cause: settled.error });
  return settled.value;
}

/** The cause that the run's end names, held against the row; every event of a failed step must name the same. */
function expectTold(row: FaultRow, events: readonly RunEventBody[]): Failure {
  const finished = events.findLast((event) => event.type === 'run.finished');
  const failure = finished?.type === 'run.finished' ? finished.failure : null;
  if (!failure) throw new Error('the run has not ended, or names no cause');
  expect(failure).toMatchObject({ code: row.code, message: expect.stringMatching(row.message) as string });
  expect(failure.nextAction).toMatch(row.nextAction);
  expect(finished).toMatchObject({ state: row.state });
  const told = events.flatMap((event) => (event.type === 'step.failed' ? [event.failure] : []));
  // The worker ends a run before its first step.
  expect(told).toEqual(row.layer === 'worker' ? [] : [failure]);
  const [ours = ''] = failure.message.split(/says: /);
  expect(`${ours} ${failure.nextAction}`).not.toMatch(NOT_OUR_WORDS);
  if (row.log) {
    const texts = events.flatMap((event) => (event.type === 'step.output' ? [event.text] : []));
    expect(texts.join('')).toMatch(row.log);
  }
  return failure;
}

/**
 * Executes a run that meets the fault and holds what a person is told against the row: end state, one cause in the
 * run's end and in the event of the failing step, words, next action, and that it came within the bound. Returns the
 * failure.
 */
export async function expectFault(
  row: FaultRow,
  rig: EngineRig,
  overrides: Partial<ExecuteRunOptions> = {},
): Promise<Failure> {
  const stop = new AbortController();
  const ended = rig.execute({ findKind: findFaultKind, limits: LIMITS, signal: stop.signal, ...overrides });
  try {
    expect(await untilBound(row, ended)).toBe(row.state);
  } finally {
    stop.abort(new Error('the bound of the fault is over'));
    await ended.catch(() => undefined);
  }
  return expectTold(row, await rig.events());
}

/** The same for a run that the worker ends before the engine has it. */
export async function expectWorkerFault(
  row: FaultRow,
  work: Promise<void>,
  events: () => Promise<readonly RunEventBody[]>,
): Promise<Failure> {
  await untilBound(row, work);
  return expectTold(row, await events());
}
