import { isAppError } from '@/lib/core/errors';
import { CHANGE_CHANNEL, findChangeCursor, readChanges } from '@/lib/db/change-feed';
import { waitForNudge } from '@/lib/db/listen';
import { RUN_EVENT_CHANNEL } from '@/lib/db/run-log';
import type { ServiceContext } from '../context';
import { readEventPage } from '../runs/list-run-events';
import type { StreamTopic } from './parse-topics';
import { parsePositions, toPositionsText } from './parse-topics';
import type { StreamMessage } from './read-topic';
import { readChange, readTopic } from './read-topic';

/** Kinds of changes that any topic looks at. */
const CHANGES = ['site', 'site-now', 'topology', 'host-key', 'job', 'run'];
/** Nudges are hints: without one, rows are looked for this often. */
const POLL_MS = 2_000;
/** The session behind a stream is looked at this often (S21: at most 15 s). */
const RECHECK_MS = 10_000;
const TICK_MS = 15_000;
const EVENTS_AT_ONCE = 500;

export interface WatchOptions {
  readonly topics: readonly StreamTopic[];
  readonly lastEventId: string | null;
  readonly signal: AbortSignal;
  /** The same actor as known now, or null when their session ended. */
  readonly reload: () => Promise<ServiceContext | null>;
  /** Milliseconds between two looks at the reader's rights; 10 s unless stated. */
  readonly recheckMs?: number;
}

/** A message with the id that resumes after it. */
export type StreamEvent = StreamMessage & { readonly id?: string };

class TopicWatch {
  private readonly positions = new Map<string, number>();
  private readonly started = Date.now();
  private recheckedMs = this.started;
  private tickedMs = this.started;

  constructor(
    private ctx: ServiceContext,
    private readonly options: WatchOptions,
  ) {
    const known = parsePositions(options.lastEventId);
    for (const topic of options.topics) {
      if (topic.kind === 'run') this.positions.set(topic.runId, known.get(topic.runId) ?? topic.after);
    }
  }

  private withId(message: StreamMessage): StreamEvent {
    return this.positions.size > 0 ? { ...message, id: toPositionsText(this.positions) } : message;
  }

  /** Present state of everything, in the order of the topics. */
  async readAll(): Promise<StreamEvent[]> {
    const messages: StreamEvent[] = [];
    for (const topic of this.options.topics) {
      for (const message of await readTopic(this.ctx, topic)) messages.push(this.withId(message));
    }
    return messages;
  }

  /** The next lines of the followed runs, at most 500 of each. */
  private async readLogs(): Promise<StreamEvent[]> {
    const messages: StreamEvent[] = [];
    for (const [runId, after] of this.positions) {
      const { events, last } = await readEventPage(this.ctx, runId, after, EVENTS_AT_ONCE);
      if (events.length === 0) continue;
      this.positions.set(runId, last);
      messages.push(this.withId({ event: 'run-events', data: { runId, events, last } }));
    }
    return messages;
  }

  /** Takes the reader's rights as of now; returns the last word for the reader when the stream must end, else null. */
  private async recheck(): Promise<StreamEvent | null> {
    if (Date.now() - this.recheckedMs < (this.options.recheckMs ?? RECHECK_MS)) return null;
    this.recheckedMs = Date.now();
    const ctx = await this.options.reload();
    if (!ctx) return { event: 'end', data: { reason: 'signed-out' } };
    const isSame = JSON.stringify(ctx.actor.grants) === JSON.stringify(this.ctx.actor.grants);
    this.ctx = ctx;
    if (isSame) return null;
    try {
      await this.readAll();
      return null;
    } catch (error) {
      if (isAppError(error)) return { event: 'end', data: { reason: 'forbidden' } };
      throw error;
    }
  }

  private async readChanged(cursor: string): Promise<{ messages: StreamEvent[]; cursor: string }> {
    const changes = await readChanges(this.ctx.db.pool, cursor, CHANGES);
    const distinct = new Map(changes.map((change) => [`${change.topic} ${change.key}`, change]));
    const messages: StreamEvent[] = [];
    for (const change of distinct.values()) {
      const read = await readChange(this.ctx, this.options.topics, change);
      messages.push(...read.map((message) => this.withId(message)));
    }
    return { messages, cursor: changes.at(-1)?.cursor ?? cursor };
  }

  async *follow(startCursor: string): AsyncGenerator<StreamEvent> {
    const { signal } = this.options;
    let cursor = startCursor;
    while (!signal.aborted) {
      const waiting = new AbortController();
      const options = { timeoutMs: POLL_MS, signal: AbortSignal.any([signal, waiting.signal]) };
      const { db } = this.ctx;
      const nudge = Promise.race([
        waitForNudge(db, CHANGE_CHANNEL, options),
        waitForNudge(db, RUN_EVENT_CHANNEL, { ...options, accepts: (runId) => this.positions.has(runId) }),
      ]);
      try {
        const last = await this.recheck();
        if (last) return yield last;
        const logs = await this.readLogs();
        const changed = await this.readChanged(cursor);
        cursor = changed.cursor;
        yield* logs;
        yield* changed.messages;
        if (Date.now() - this.tickedMs >= TICK_MS) {
          this.tickedMs = Date.now();
          yield { event: 'tick', data: { at: new Date().toISOString() } };
        }
        if (logs.length === 0 && changed.messages.length === 0) await nudge;
      } finally {
        waiting.abort();
      }
    }
    yield { event: 'end', data: { reason: 'restarting' } };
  }
}

/**
 * Everything that happens to `topics`, as long as the actor may see it: `hello`, the present state of each topic, then
 * changes as they come. Logs of runs continue after `lastEventId` or the number in the topic, without a gap and
 * without doubles. Throws before the first event for topics that the actor may not follow.
 */
export async function watchTopics(
  ctx: ServiceContext,
  options: WatchOptions,
): Promise<AsyncGenerator<StreamEvent>> {
  const watch = new TopicWatch(ctx, options);
  const cursor = await findChangeCursor(ctx.db.pool); // before the state is read, so that nothing falls between
  const state = await watch.readAll();
  return (async function* (): AsyncGenerator<StreamEvent> {
    yield { event: 'hello', data: { at: new Date().toISOString() } };
    yield* state;
    yield* watch.follow(cursor);
  })();
}
