import type { StreamMessage } from './stream-message';
import { STREAM_EVENTS } from './stream-message';

export type ConnectionState = 'connecting' | 'live' | 'reconnecting' | 'lost';

export interface Connection {
  readonly state: ConnectionState;
  /** Browser time of the last word from the server, milliseconds; null before the first. */
  readonly heardAtMs: number | null;
  /** The server's clock minus the browser's, milliseconds. */
  readonly clockOffsetMs: number;
}

export const NOT_CONNECTED: Connection = { state: 'connecting', heardAtMs: null, clockOffsetMs: 0 };

/** A topic as text; a function where the place in the stream moves (`run:r-1@42`), asked at each new connection. */
export type Topic = string | (() => string);

/** The server says something at least each 15 s; after three silences the line is opened anew. */
const SILENCE_LIMIT_MS = 45_000;
/** So long without a connection, and it counts as lost. */
const LOST_AFTER_MS = 20_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000] as const;

/**
 * One EventSource for the whole tab. Components add and take away topics; the union is asked for in one URL, so a
 * change of topics opens a new connection, on which the server first sends the state of each topic.
 *
 *   connecting ──hello──▶ live ──error or 45 s of silence──▶ reconnecting ──20 s──▶ lost ──hello──▶ live
 */
export class EventStream {
  #topics = new Map<Topic, number>();
  #source: EventSource | null = null;
  #openTimer: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #failures = 0;
  /** Since when there is no connection, browser time in milliseconds; null while there is one. */
  #brokenAtMs: number | null = null;
  #connection: Connection = NOT_CONNECTED;
  #listeners = new Set<() => void>();
  #onMessage: (message: StreamMessage) => void = () => undefined;

  /** What to do with messages; set once by the provider. */
  onMessage(handler: (message: StreamMessage) => void): void {
    this.#onMessage = handler;
  }

  /** Adds a topic until the returned function is called. */
  add(topic: Topic): () => void {
    const count = this.#topics.get(topic) ?? 0;
    this.#topics.set(topic, count + 1);
    if (count === 0) this.#reopenSoon(0);
    return () => {
      const left = (this.#topics.get(topic) ?? 1) - 1;
      if (left > 0) return void this.#topics.set(topic, left);
      this.#topics.delete(topic);
      this.#reopenSoon(0);
    };
  }

  connection = (): Connection => this.#connection;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #reopenSoon(delayMs: number): void {
    clearTimeout(this.#openTimer);
    this.#openTimer = setTimeout(() => this.#open(), delayMs);
  }

  #open(): void {
    this.#source?.close();
    this.#source = null;
    clearInterval(this.#watchdog);
    if (this.#topics.size === 0) return;
    const names = [...this.#topics.keys()].map((topic) => (typeof topic === 'string' ? topic : topic()));
    const source = new EventSource(
      `/api/v1/stream?topics=${encodeURIComponent([...new Set(names)].join(','))}`,
    );
    this.#source = source;
    for (const type of STREAM_EVENTS) {
      source.addEventListener(type, (event: MessageEvent<string>) => this.#hear(type, event.data));
    }
    // While the browser tries again by itself (with Last-Event-ID) it is let be; a refusal closes the source for good.
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.#fail(source);
      else this.#setBroken();
    };
    const openedAtMs = Date.now();
    this.#watchdog = setInterval(() => {
      const silentMs = Date.now() - Math.max(openedAtMs, this.#connection.heardAtMs ?? 0);
      if (silentMs > SILENCE_LIMIT_MS) this.#fail(source);
      else if (this.#brokenAtMs !== null) this.#setBroken();
    }, 5_000);
  }

  #hear(type: (typeof STREAM_EVENTS)[number], data: string): void {
    this.#failures = 0;
    this.#brokenAtMs = null;
    const message = { type, ...(JSON.parse(data) as object) } as StreamMessage; // our own server's shapes
    const hasClock = message.type === 'hello' || message.type === 'tick';
    const clockOffsetMs = hasClock ? Date.parse(message.at) - Date.now() : this.#connection.clockOffsetMs;
    this.#set({ state: 'live', heardAtMs: Date.now(), clockOffsetMs });
    this.#onMessage(message);
  }

  #fail(source: EventSource): void {
    if (source !== this.#source) return;
    source.close();
    this.#failures += 1;
    this.#setBroken();
    this.#reopenSoon(RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1] ?? 10_000);
  }

  #setBroken(): void {
    this.#brokenAtMs ??= Date.now();
    const isLost = Date.now() - this.#brokenAtMs > LOST_AFTER_MS;
    this.#set({ ...this.#connection, state: isLost ? 'lost' : 'reconnecting' });
  }

  #set(next: Connection): void {
    this.#connection = next;
    for (const listener of this.#listeners) listener();
  }
}
