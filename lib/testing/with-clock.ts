/**
 * Runs `work` while this process's clock is wrong by `shiftMs`: `new Date()` and `Date.now()` say so to everything in it,
 * libraries included, as on a machine whose clock was set wrong. Timers and `performance` go on, as they do there.
 */
export async function withClock<T>(shiftMs: number, work: () => Promise<T>): Promise<T> {
  const RealDate = Date;
  class ShiftedDate extends RealDate {
    constructor(...parts: unknown[]) {
      super(...((parts.length === 0 ? [RealDate.now() + shiftMs] : parts) as [number])); // whatever the real one takes
    }

    static override now(): number {
      return RealDate.now() + shiftMs;
    }
  }
  globalThis.Date = ShiftedDate as DateConstructor; // called without `new` nowhere here
  try {
    return await work();
  } finally {
    globalThis.Date = RealDate;
  }
}
