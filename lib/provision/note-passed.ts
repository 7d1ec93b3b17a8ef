import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Output that passes between two collections. */
const EVERY_BYTES = 16 * 1024 * 1024;

/** V8's own collector; with as little as a worker keeps it takes some ten milliseconds. */
function findCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // what the flag puts there
  return () => collect();
}

let collect: (() => void) | null = null;
let passedBytes = 0;

/**
 * Counts output of hosts and collects garbage now and then. Every chunk leaves some buffers outside of V8's heap, at
 * which V8 itself begins to look only when 64 MiB of them have come together: in a flood that was the worker's whole
 * growth.
 */
export function notePassed(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < EVERY_BYTES) return;
  passedBytes = 0;
  collect ??= findCollector();
  collect();
}
