import { appendRunEvents, type RunPatch, type RunStepPatch } from '@/lib/db/run-log';
import type { Database } from '@/lib/db/connect';
import { StaleEpochError } from '@/lib/db/errors';
import type { RunEventBody } from '@/lib/run/run-event';
import type { Clock } from './clock';

const MAX_BATCH_EVENTS = 500;
const MAX_BATCH_BYTES = 1024 * 1024;
/** With more than this waiting, whoever produces output waits too. */
const MAX_WAITING_BYTES = 2 * 1024 * 1024;
const GATHER_MS = 25;

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

interface Entry {
  readonly event: RunEventBody | null;
  readonly step: RunStepPatch | null;
  readonly run: RunPatch | null;
  readonly bytes: number;
}

/** The one fenced writer of a run's log: keeps the order, gathers small writes, loses and doubles nothing. */
export interface EventWriter {
  /** Adds to the log in memory; it becomes durable with the next `flush` or by itself soon. */
  readonly push: (event: RunEventBody | null, step?: RunStepPatch, run?: RunPatch) => void;
  /** Resolves when everything pushed so far is durable. Rejects with StaleEpochError, or when the signal fires. */
  readonly flush: () => Promise<void>;
  /** Resolves when there is room for more output. */
  readonly waitForRoom: () => Promise<void>;
}

export interface EventWriterOptions {
  readonly db: Pick<Database, 'pool'>;
  readonly runId: string;
  readonly epoch: bigint;
  readonly clock: Clock;
  /** Lease lost or shutdown: writing stops. */
  readonly signal: AbortSignal;
}

function takeBatch(queue: Entry[]): Entry[] {
  let bytes = 0;
  let count = 0;
  for (const entry of queue) {
    if (count > 0 && (count >= MAX_BATCH_EVENTS || bytes + entry.bytes > MAX_BATCH_BYTES)) break;
    bytes += entry.bytes;
    count += 1;
  }
  return queue.slice(0, count);
}

function toStepPatches(batch: readonly Entry[]): RunStepPatch[] {
  const byStep = new Map<string, RunStepPatch>();
  for (const { step } of batch) {
    if (step) byStep.set(step.stepId, { ...byStep.get(step.stepId), ...step });
  }
  return [...byStep.values()];
}

/** Starts the writer. `firstSeq` is what `appendRunEvents` last returned for this run. */
export function createEventWriter(options: EventWriterOptions, firstSeq: number): EventWriter {
  const { db, runId, epoch, clock, signal } = options;
  const queue: Entry[] = [];
  const waiters: Waiter[] = [];
  let waitingBytes = 0;
  let pushed = 0;
  let stored = 0;
  let lastSeq = firstSeq;
  let isDraining = false;
  let broken: unknown = null;

  const append = (batch: readonly Entry[]) =>
    appendRunEvents(db, {
      runId,
      epoch,
      events: batch.flatMap(({ event }) => event ?? []),
      steps: toStepPatches(batch),
      run: Object.assign({}, ...batch.map(({ run }) => run ?? {})) as RunPatch, // later members win
    });

  /** One batch, durable exactly once: after an error it is first asked whether the commit got through. */
  const store = async (batch: readonly Entry[]) => {
    const count = batch.filter(({ event }) => event !== null).length;
    let isUnsure = false;
    for (let backoffMs = 100; ; backoffMs = Math.min(2_000, backoffMs * 2)) {
      signal.throwIfAborted();
      try {
        if (isUnsure && count > 0) {
          const seq = await appendRunEvents(db, { runId, epoch, events: [] });
          if (seq === lastSeq + count) {
            lastSeq = seq;
            return;
          }
        }
        lastSeq = await append(batch);
        return;
      } catch (error) {
        if (error instanceof StaleEpochError) throw error;
        isUnsure = true;
        await clock.sleep(backoffMs, signal);
      }
    }
  };
  const settle = () => {
    for (const waiter of waiters.splice(0)) {
      if (broken) waiter.reject(broken);
      else if (waiter.isMet()) waiter.resolve();
      else waiters.push(waiter);
    }
  };
  const drain = async () => {
    if (isDraining) return;
    isDraining = true;
    try {
      while (queue.length > 0 && !broken) {
        const batch = takeBatch(queue);
        await store(batch);
        queue.splice(0, batch.length);
        stored += batch.length;
        waitingBytes -= batch.reduce((sum, { bytes }) => sum + bytes, 0);
        settle();
      }
    } catch (error) {
      broken = error;
    } finally {
      isDraining = false;
      settle();
    }
  };
  const waitFor = (isMet: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      waiters.push({ isMet, resolve, reject });
      void drain();
      settle();
    });
  let isGathering = false;
  const gather = () => {
    if (isGathering || isDraining) return;
    isGathering = true;
    // An aborted wait ends the gathering early; whoever flushes next hears why.
    void clock
      .sleep(GATHER_MS, signal)
      .catch(() => undefined)
      .then(() => {
        isGathering = false;
        return drain();
      });
  };
  return {
    push: (event, step, run) => {
      const bytes = event?.type === 'step.output' ? event.text.length + 100 : 200;
      queue.push({ event, step: step ?? null, run: run ?? null, bytes });
      waitingBytes += bytes;
      pushed += 1;
      gather();
    },
    flush: () => {
      const upTo = pushed;
      return waitFor(() => stored >= upTo);
    },
    waitForRoom: async () => {
      if (waitingBytes > MAX_WAITING_BYTES) await waitFor(() => waitingBytes <= MAX_WAITING_BYTES);
    },
  };
}
