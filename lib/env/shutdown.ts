/**
 * One shutdown per process. It hangs on `globalThis`, because the web process holds this module several times: once
 * in the server's own bundle and again in those that Next makes.
 */
interface Shutdown {
  readonly controller: AbortController;
  readonly closers: (() => Promise<void>)[];
}

const KEY = Symbol.for('siteplan.shutdown');

function shutdown(): Shutdown {
  const holder = globalThis as { [KEY]?: Shutdown }; // the symbol is ours alone
  holder[KEY] ??= { controller: new AbortController(), closers: [] };
  return holder[KEY];
}

/** Aborts when the process begins to stop: streams end on it. */
export function shutdownSignal(): AbortSignal {
  return shutdown().controller.signal;
}

/** Registers what to close at the end; closers run last in, first out. */
export function onShutdown(close: () => Promise<void>): void {
  shutdown().closers.push(close);
}

/** First gear: tells streams to end. */
export function beginShutdown(): void {
  shutdown().controller.abort();
}

/** Runs the closers; a closer that throws does not keep the others from closing. */
export async function finishShutdown(): Promise<void> {
  const { closers } = shutdown();
  for (let close = closers.pop(); close; close = closers.pop()) await close().catch(() => undefined);
}
