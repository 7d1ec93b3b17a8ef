import type { Database } from '@/lib/db/connect';
import { CancelRequestedError } from '@/lib/db/errors';
import { appendRunEvents, findLastAppend, type RunPatch, type RunStepPatch } from '@/lib/db/run-log';
import type { RunEventBody } from '@/lib/run/run-event';
import type { Clock } from './clock';
import { retryDatabase } from './retry-database';

const MAX_BATCH_EVENTS = 500;
const MAX_BATCH_BYTES = 512 * 1024;
/** With more than this waiting, whoever produces output waits too. */
const MAX_WAITING_BYTES = 1024 * 1024;
const GATHER_MS = 25;

interface Entry {
  readonly event: RunEventBody | null;
  readonly step: RunStepPatch | null;
  readonly run: RunPatch | null;
  readonly bytes: number;
  /** The beginning of an act, which a cancel refuses. */
  readonly start: { isRefused: boolean } | null;
}

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export interface EventWriterOptions {
  readonly db: Pick<Database, 'pool'>;
  readonly runId: string;
  readonly epoch: bigint;
  readonly clock: Clock;
  /** Lease lost or shutdown: writing stops. */
  readonly signal: AbortSignal;
  /** Hears at once that nothing more can be written, without waiting for the next flush. */
  readonly onBroken?: (error: unknown) => void;
}

/**
 * The one fenced writer of a run's log: keeps the order, gathers small writes, and stores each batch exactly once,
 * also when the database goes away in the middle of a commit. It waits for the database as long as the signal lets it.
 */
export class EventWriter {
  readonly #options: EventWriterOptions;
  readonly #queue: Entry[] = [];
  readonly #waiters: Waiter[] = [];
  #lastSeq: number;
  #waitingBytes = 0;
  #pushed = 0;
  #stored = 0;
  #isGathering = false;
  #isDraining = false;
  #broken: { readonly error: unknown } | null = null;

  /** `lastSeq` is the run's last sequence number as this epoch's owner read it. */
  constructor(options: EventWriterOptions, lastSeq: number) {
    this.#options = options;
    this.#lastSeq = lastSeq;
  }

  /** Adds to the log in memory; it becomes durable with the next `flush`, or by itself soon. */
  push(event: RunEventBody | null, step: RunStepPatch | null = null, run: RunPatch | null = null): void {
    const bytes = event?.type === 'step.output' ? event.text.length + 100 : 200;
    this.#add({ event, step, run, bytes, start: null });
  }

  /**
   * Stores that an act begins, and says whether it may: false, with nothing of it in the log, where a cancel came
   * first. The row of the run orders the two, so nothing begins after a cancel was acknowledged. Rejects like `flush`.
   */
  async storeStart(event: RunEventBody, step: RunStepPatch): Promise<boolean> {
    const start = { isRefused: false };
    this.#add({ event, step, run: null, bytes: 200, start });
    await this.flush();
    return !start.isRefused;
  }

  #add(entry: Entry): void {
    this.#queue.push(entry);
    this.#waitingBytes += entry.bytes;
    this.#pushed += 1;
    void this.#gather();
  }

  /** Resolves when everything pushed so far is durable. Rejects with StaleEpochError or the signal's reason. */
  flush(): Promise<void> {
    const upTo = this.#pushed;
    return this.#waitFor(() => this.#stored >= upTo);
  }

  /** Resolves when there is room for more output. Rejects like `flush`. */
  async waitForRoom(): Promise<void> {
    const hasRoom = () => this.#waitingBytes <= MAX_WAITING_BYTES;
    if (!hasRoom()) await this.#waitFor(hasRoom);
  }

  #waitFor(isMet: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ isMet, resolve, reject });
      void this.#drain();
      this.#settle();
    });
  }

  #settle(): void {
    for (const waiter of this.#waiters.splice(0)) {
      if (waiter.isMet()) waiter.resolve();
      else if (this.#broken) waiter.reject(this.#broken.error);
      else this.#waiters.push(waiter);
    }
  }

  async #gather(): Promise<void> {
    if (this.#isGathering || this.#isDraining) return;
    this.#isGathering = true;
    const { clock, signal } = this.#options;
    // An aborted wait only ends the gathering; whoever flushes next hears why.
    await clock.sleep(GATHER_MS, signal).catch(() => undefined);
    this.#isGathering = false;
    await this.#drain();
  }

  async #drain(): Promise<void> {
    if (this.#isDraining || this.#broken) return;
    this.#isDraining = true;
    try {
      while (this.#queue.length > 0) {
        const batch = takeBatch(this.#queue);
        await this.#store(batch);
        this.#queue.splice(0, batch.length);
        this.#stored += batch.length;
        this.#waitingBytes -= batch.reduce((sum, { bytes }) => sum + bytes, 0);
        this.#settle();
      }
    } catch (error) {
      this.#broken = { error };
      this.#options.onBroken?.(error);
    } finally {
      this.#isDraining = false;
      this.#settle();
    }
  }

  async #store(batch: readonly Entry[]): Promise<void> {
    let entries = batch;
    await retryDatabase(async (isRetry) => {
      // After an error nobody knows whether the commit got through; the log tells.
      if (isRetry && entries.some(({ event }) => event !== null)) {
        const { db, runId, epoch } = this.#options;
        const { lastSeq, isStored } = await findLastAppend(db, { runId, epoch, afterSeq: this.#lastSeq });
        if (isStored) {
          this.#lastSeq = lastSeq;
          return;
        }
      }
      try {
        this.#lastSeq = await this.#append(entries);
      } catch (error) {
        if (!(error instanceof CancelRequestedError)) throw error;
        entries = refuseStarts(entries);
        this.#lastSeq = await this.#append(entries);
      }
    }, this.#options);
  }

  #append(batch: readonly Entry[]): Promise<number> {
    const { db, runId, epoch } = this.#options;
    const steps = new Map<string, RunStepPatch>();
    let run: RunPatch = {};
    for (const entry of batch) {
      const { step } = entry;
      if (step) steps.set(step.stepId, { ...steps.get(step.stepId), ...step });
      run = { ...run, ...entry.run };
    }
    const events = batch.flatMap(({ event }) => event ?? []);
    const startsAct = batch.some(({ start }) => start !== null);
    return appendRunEvents(db, { runId, epoch, events, steps: [...steps.values()], run, startsAct });
  }
}

/** The batch without the acts that were to begin; whoever waits for them hears that they may not. */
function refuseStarts(batch: readonly Entry[]): readonly Entry[] {
  return batch.filter(({ start }) => {
    if (start) start.isRefused = true;
    return start === null;
  });
}

function takeBatch(queue: readonly Entry[]): Entry[] {
  let bytes = 0;
  let count = 0;
  for (const entry of queue) {
    if (count > 0 && (count >= MAX_BATCH_EVENTS || bytes + entry.bytes > MAX_BATCH_BYTES)) break;
    bytes += entry.bytes;
    count += 1;
  }
  return queue.slice(0, count);
}
