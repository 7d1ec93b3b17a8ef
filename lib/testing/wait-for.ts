/**
 * Waits until `condition` gives something truthy and returns it. Polls every `everyMs` (25 ms);
 * throws an error that names `what` after `timeoutMs` (30 s). An exception of the condition counts as "not yet"
 * and is the cause of the final error.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: { what: string; timeoutMs?: number; everyMs?: number },
): Promise<NonNullable<Exclude<T, false>>> {
  const { what, timeoutMs = 30_000, everyMs = 25 } = options;
  const deadline = Date.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      // Truthiness excludes null, undefined and false; the type system cannot see that through Exclude.
      if (value) return value as NonNullable<Exclude<T, false>>;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`, { cause });
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
