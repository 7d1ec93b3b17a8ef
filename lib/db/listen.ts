import { EventEmitter, setMaxListeners } from 'node:events';
import { Client } from 'pg';
import type { Database } from './connect';

/** Every 10 s the listening connection must answer within 5 s, or it is replaced: a half-open socket says nothing. */
const CHECK_EVERY_MS = 10_000;
const CHECK_LIMIT_MS = 5_000;

interface Listener {
  readonly emitter: EventEmitter;
  readonly channels: Set<string>;
  client: Client | null;
  connecting: Promise<void> | null;
  timer: NodeJS.Timeout | null;
}

const listeners = new WeakMap<Database, Listener>();

function listenerOf(db: Database): Listener {
  const found = listeners.get(db);
  if (found) return found;
  const emitter = new EventEmitter().setMaxListeners(0);
  const created: Listener = { emitter, channels: new Set(), client: null, connecting: null, timer: null };
  listeners.set(db, created);
  return created;
}

function drop(listener: Listener, client: Client): void {
  if (listener.client !== client) return;
  listener.client = null;
  if (listener.timer) clearInterval(listener.timer);
  listener.timer = null;
  client.end().catch(() => undefined);
}

async function connect(db: Database, listener: Listener): Promise<void> {
  const client = new Client({
    connectionString: db.url,
    connectionTimeoutMillis: CHECK_LIMIT_MS,
    keepAlive: true,
  });
  client.on('error', () => drop(listener, client));
  client.on('end', () => drop(listener, client));
  client.on('notification', ({ channel, payload }) => listener.emitter.emit(channel, payload ?? ''));
  try {
    await client.connect();
    for (const channel of listener.channels) await client.query(`LISTEN "${channel}"`);
  } catch (error) {
    client.end().catch(() => undefined); // else it would stay open, heard by nobody
    throw error;
  }
  listener.client = client;
  listener.timer = setInterval(() => {
    const late = setTimeout(() => drop(listener, client), CHECK_LIMIT_MS);
    client
      .query('SELECT 1')
      .catch(() => drop(listener, client))
      .finally(() => clearTimeout(late));
  }, CHECK_EVERY_MS);
  listener.timer.unref();
}

async function ensureListening(db: Database, channel: string): Promise<void> {
  if (!/^[a-z_]+$/.test(channel)) throw new Error('not a channel name');
  const listener = listenerOf(db);
  const isNew = !listener.channels.has(channel);
  listener.channels.add(channel);
  if (!listener.client) {
    listener.connecting ??= connect(db, listener).finally(() => {
      listener.connecting = null;
    });
    await listener.connecting;
  }
  const { client } = listener;
  if (!isNew || !client) return;
  // A connection that doesn't hear all channels is replaced by one that does.
  await client.query(`LISTEN "${channel}"`).catch(() => drop(listener, client));
}

/**
 * Resolves with the payload of the next NOTIFY on `channel`, or with null after `timeoutMs` or on abort; never
 * rejects. Call it before reading rows, await it after, so that nothing written in between is missed.
 */
export function waitForNudge(
  db: Database,
  channel: string,
  options: { timeoutMs: number; signal?: AbortSignal; accepts?: (payload: string) => boolean },
): Promise<string | null> {
  const { timeoutMs, signal, accepts } = options;
  const { emitter } = listenerOf(db);
  return new Promise((resolve) => {
    const finish = (payload: string | null) => {
      clearTimeout(timer);
      emitter.off(channel, onNotify);
      signal?.removeEventListener('abort', onAbort);
      resolve(payload);
    };
    const onNotify = (payload: string) => {
      if (!accepts || accepts(payload)) finish(payload);
    };
    const onAbort = () => finish(null);
    const timer = setTimeout(() => finish(null), timeoutMs);
    emitter.on(channel, onNotify);
    // A worker waits for many sites under one signal; each wait ends by its own time limit.
    if (signal) setMaxListeners(0, signal);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) finish(null);
    ensureListening(db, channel).catch(() => undefined); // without a listener the timeout is the poll
  });
}

/** Ends the listening connection of a database handle. */
export async function stopListening(db: Database): Promise<void> {
  const listener = listeners.get(db);
  listeners.delete(db);
  if (listener?.timer) clearInterval(listener.timer);
  const client = listener?.client;
  if (listener) listener.client = null;
  await client?.end().catch(() => undefined);
}
