import { expect } from 'vitest';
import type { Failure } from '@/lib/core/failure';
import type { ExecuteRunOptions } from '@/lib/provision/run-engine';
import type { EngineRig } from './engine-rig';
import type { FaultRow } from './fault-row';
import { findFaultKind } from './fault-step';
import { waitFor } from './wait-for';

/** Short waits for hosts that are away; the engine's own are minutes. */
const LIMITS = { firstContactMs: 2_000, outageMs: 2_000 };
/** Apologies, exclamations and cheers that the words of the product do not have; the lines of a host may. */
const NOT_OUR_WORDS = /sorry|apolog|please|oops|!|successful|unexpected/i;

async function endWithin(row: FaultRow, rig: EngineRig, overrides: Partial<ExecuteRunOptions>) {
  const stop = new AbortController();
  const ended = rig
    .execute({ findKind: findFaultKind, limits: LIMITS, signal: stop.signal, ...overrides })
    .then(
      (state) => ({ state, error: null }),
      (error: unknown) => ({ state: null, error }),
    );
  let end: Awaited<typeof ended> | null = null;
  void ended.then((result) => (end = result));
  try {
    const what = `the run with ${row.id} to end within its bound`;
    const result: Awaited<typeof ended> = await waitFor(() => end, { what, timeoutMs: row.boundS * 1_000 });
    if (result.error) throw new Error('the engine threw', { cause: result.error });
    return result.state;
  } finally {
    stop.abort(new Error('the bound of the fault is over'));
    await ended;
  }
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
  const state = await endWithin(row, rig, overrides);
  const events = await rig.events();
  const finished = events.findLast((event) => event.type === 'run.finished');
  const failure = finished?.type === 'run.finished' ? finished.failure : null;
  if (!failure) throw new Error(`the run ended ${state} and names no cause`);
  expect(failure).toMatchObject({ code: row.code, message: expect.stringMatching(row.message) as string });
  expect(failure.nextAction).toMatch(row.nextAction);
  expect(state).toBe(row.state);
  expect(finished).toMatchObject({ state: row.state });
  const told = events.flatMap((event) => (event.type === 'step.failed' ? [event.failure] : []));
  expect(told).toEqual([failure]);
  if (row.log) {
    const texts = events.flatMap((event) => (event.type === 'step.output' ? [event.text] : []));
    expect(texts.join('')).toMatch(row.log);
  }
  const [ours = ''] = failure.message.split(/says: /);
  expect(`${ours} ${failure.nextAction}`).not.toMatch(NOT_OUR_WORDS);
  return failure;
}
