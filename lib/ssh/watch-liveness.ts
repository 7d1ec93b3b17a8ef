import type { Duplex } from 'node:stream';

/**
 * Calls `onSilent` once when nothing arrived on `socket` for `limitMs`. Counts seconds in which the event loop ran,
 * not wall time, so that a process that was stopped (SIGSTOP, a long pause) first looks at what had arrived
 * meanwhile. Any byte counts, so a slow upload that keeps pings waiting is no loss as long as the host takes data.
 */
export function watchLiveness(socket: Duplex, limitMs: number, onSilent: () => void): () => void {
  const tickMs = Math.min(1_000, limitMs / 4);
  const limitTicks = Math.ceil(limitMs / tickMs);
  let silentTicks = 0;
  const onData = () => {
    silentTicks = 0;
  };
  socket.on('data', onData);
  const timer = setInterval(() => {
    silentTicks += 1;
    if (silentTicks < limitTicks) return;
    stop();
    onSilent();
  }, tickMs);
  const stop = () => {
    clearInterval(timer);
    socket.removeListener('data', onData);
  };
  return stop;
}
