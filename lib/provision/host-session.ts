import type { Failure, FailureCode } from '@/lib/core/failure';
import { toBackoffMs } from '@/lib/run/backoff';
import { isCutOff } from '@/lib/run/to-end-state';
import type { HostConnection } from '@/lib/ssh/connect-host';
import type { FramedShell } from '@/lib/ssh/framed-shell';
import { HostError } from '@/lib/ssh/host-error';
import type { Clock } from './clock';
import type { EventWriter } from './event-writer';
import { prepareRunner, type HostRunner, type RunnerIdentity } from './host-runner';

/** A connection that stood this long was a real one: the next loss starts a new outage. */
const STABLE_MS = 5_000;
const CANCEL_POLL_MS = 250;

/** Causes that a host shows while it boots, so they are waited out once it was reachable. */
const PASSING_AFTER_CONTACT: readonly FailureCode[] = ['auth-rejected', 'login-shell-unusable', 'internal'];

/** Ends a step that had nothing running on the host, because somebody asked for the end of the run. */
export class StepCancelledError extends Error {
  constructor() {
    super('cancelled');
    this.name = 'StepCancelledError';
  }
}

export interface PreparedHost {
  readonly connection: HostConnection;
  readonly shell: FramedShell;
  readonly runner: HostRunner;
}

/** One host as the engine uses it: connected when needed, connected again when lost, for a bounded time. */
export interface HostSession {
  /**
   * Calls `work` with the host, and again after each loss of the connection, so `work` must bear being repeated.
   * Rejects with the HostError that made it give up, StepCancelledError, or the signal's reason.
   */
  readonly use: <T>(
    work: (host: PreparedHost) => Promise<T>,
    options?: { readonly isActing?: boolean },
  ) => Promise<T>;
  /**
   * Calls `work` once: with the connection that there is, or after one try at a host that nobody asked before. Rejects
   * where the host was lost or cannot be reached, which no event tells.
   */
  readonly once: <T>(work: (host: PreparedHost) => Promise<T>) => Promise<T>;
  /** The host, if there is a connection right now. */
  readonly connected: PreparedHost | null;
  readonly close: () => void;
}

export interface HostSessionOptions {
  readonly nodeId: string;
  readonly connect: (nodeId: string) => Promise<HostConnection>;
  readonly identity: RunnerIdentity;
  readonly writer: EventWriter;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly isCancelRequested: () => boolean;
  /** How long to try before the first contact, after a loss, and after a cancel with an act still on the host. */
  readonly limits: {
    readonly firstContactMs: number;
    readonly outageMs: number;
    readonly cancelMs: number;
  };
}

/** The connection, or the signal's reason at once; a connection that comes too late is closed. */
async function untilAborted(
  connecting: Promise<HostConnection>,
  signal: AbortSignal,
): Promise<HostConnection> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    // The signal's reason is whatever its owner chose.
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([connecting, aborted]);
  } catch (error) {
    if (signal.aborted) void connecting.then((late) => late.close()).catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

class Session implements HostSession {
  #prepared: PreparedHost | null = null;
  #bootId: string | null = null;
  #outageSince: number | null = null;
  #connectedAt = 0;
  #tries = 0;
  #isReportedLost = false;

  readonly #options: HostSessionOptions;

  constructor(options: HostSessionOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.close(), { once: true });
  }

  get connected(): PreparedHost | null {
    return this.#prepared;
  }

  async use<T>(work: (host: PreparedHost) => Promise<T>, { isActing = false } = {}): Promise<T> {
    for (;;) {
      const host = this.#prepared ?? (await this.#connect(isActing));
      try {
        return await work(host);
      } catch (error) {
        this.#options.signal.throwIfAborted();
        if (!(error instanceof HostError) || error.code !== 'connection-lost') throw error;
        this.close();
        if (this.#wasStable()) {
          this.#outageSince = null;
          this.#tries = 0;
        }
        this.#noteLoss(error.failure);
        // A connection that is lost at once each time must not go on for ever either.
        if (this.#isOverdue(isActing)) throw error;
      }
    }
  }

  async once<T>(work: (host: PreparedHost) => Promise<T>): Promise<T> {
    if (!this.#prepared && this.#tries > 0) throw new Error('the host was lost');
    return await work(this.#prepared ?? (await this.#open()));
  }

  close(): void {
    this.#prepared?.shell.close();
    this.#prepared?.connection.close();
    this.#prepared = null;
  }

  #wasStable(): boolean {
    return this.#options.clock.now() - this.#connectedAt > STABLE_MS;
  }

  #noteLoss(failure: Failure): void {
    const { clock, writer, nodeId } = this.#options;
    this.#outageSince ??= clock.now();
    if (!this.#isReportedLost) writer.push({ type: 'host.lost', nodeId, failure });
    this.#isReportedLost = true;
  }

  async #connect(isActing: boolean): Promise<PreparedHost> {
    for (;;) {
      this.#stopIfCancelled(isActing);
      // The first try after a loss comes at once; from then on the pauses grow.
      if (this.#tries > 0) await this.#pause(toBackoffMs(this.#tries, this.#options.random()), isActing);
      this.#tries += 1;
      try {
        return await this.#open();
      } catch (error) {
        this.#options.signal.throwIfAborted();
        if (!(error instanceof HostError) || !this.#isPassing(error.code)) throw error;
        this.#noteLoss(error.failure);
        if (this.#isOverdue(isActing)) throw error;
      }
    }
  }

  /** Waits in slices, so that a cancel need not wait. */
  async #pause(durationMs: number, isActing: boolean): Promise<void> {
    const { clock, signal } = this.#options;
    const until = clock.now() + durationMs;
    for (let leftMs = durationMs; leftMs > 0; leftMs = until - clock.now()) {
      this.#stopIfCancelled(isActing);
      await clock.sleep(Math.min(leftMs, CANCEL_POLL_MS), signal);
    }
  }

  #stopIfCancelled(isActing: boolean): void {
    if (!isActing && this.#options.isCancelRequested()) throw new StepCancelledError();
  }

  #isPassing(code: FailureCode): boolean {
    return isCutOff(code) || (this.#bootId !== null && PASSING_AFTER_CONTACT.includes(code));
  }

  #isOverdue(isActing: boolean): boolean {
    const { clock, limits, isCancelRequested } = this.#options;
    const outMs = clock.now() - (this.#outageSince ?? clock.now());
    const limitMs = this.#bootId === null ? limits.firstContactMs : limits.outageMs;
    return outMs > (isActing && isCancelRequested() ? Math.min(limitMs, limits.cancelMs) : limitMs);
  }

  async #open(): Promise<PreparedHost> {
    const { connect, nodeId, identity, writer, clock, signal } = this.#options;
    signal.throwIfAborted();
    const connection = await untilAborted(connect(nodeId), signal);
    try {
      const shell = connection.openShell();
      const runner = await prepareRunner(connection, shell, identity);
      const rebooted = this.#bootId !== null && this.#bootId !== runner.bootId;
      if (this.#isReportedLost) writer.push({ type: 'host.back', nodeId, rebooted });
      this.#isReportedLost = false;
      this.#bootId = runner.bootId;
      this.#connectedAt = clock.now();
      this.#prepared = { connection, shell, runner };
      return this.#prepared;
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}

/** The session of one host; it connects when it is first used, and ends by itself when the signal fires. */
export function createHostSession(options: HostSessionOptions): HostSession {
  return new Session(options);
}
