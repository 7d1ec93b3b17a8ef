import { findChangeCursor, watchChanges, type Change } from '@/lib/db/change-feed';
import type { WorkerContext } from './worker-context';

const RETRY_MS = 1_000;
const TOPICS = ['host-key', 'credential'];

/** Null stands for changes that may have been missed. */
type Listener = (change: Change | null) => void;

/** Those who hold connections, by database: one reader of the change feed serves all sites of a worker. */
const followers = new WeakMap<object, { readonly listeners: Set<Listener>; readonly stop: () => void }>();

async function follow(
  context: Pick<WorkerContext, 'db' | 'log'>,
  listeners: ReadonlySet<Listener>,
  signal: AbortSignal,
): Promise<void> {
  const tell = (change: Change | null) => {
    for (const listener of listeners) listener(change);
  };
  while (!signal.aborted) {
    try {
      const after = await findChangeCursor(context.db.pool);
      if (signal.aborted) return;
      // What changed before the cursor was or is missed, so everyone looks again; what changes from now on is told below.
      tell(null);
      for await (const change of watchChanges(context.db, { topics: TOPICS, after, signal })) tell(change);
    } catch (error) {
      if (signal.aborted) return;
      context.log.warn({ err: error }, 'changes of host keys and credentials are not heard');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/**
 * Calls `listener` after every change of a host key or a credential, and whenever one may have been missed: once at the
 * start of the reader too, for what was read before it. Returns how to stop; the last one that stops ends the reader.
 */
export function followTrust(context: Pick<WorkerContext, 'db' | 'log'>, listener: Listener): () => void {
  let follower = followers.get(context.db);
  if (!follower) {
    const stopping = new AbortController();
    follower = { listeners: new Set(), stop: () => stopping.abort() };
    followers.set(context.db, follower);
    void follow(context, follower.listeners, stopping.signal);
  }
  const { listeners, stop } = follower;
  listeners.add(listener);
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    stop();
    if (followers.get(context.db)?.listeners === listeners) followers.delete(context.db);
  };
}
