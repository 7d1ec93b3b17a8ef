/** A step that a kill may aim at. */
export interface Target {
  readonly id: string;
  readonly kind: string;
  /** Of its plan, seconds. */
  readonly estimateS: number;
}

/** Lab hosts are that much faster than the estimates of a plan, about. */
const MS_PER_ESTIMATED_S = 25;
const LONGEST_DELAY_MS = 2_500;

/** Numbers in [0, 1) that a seed (32 bits) decides: xorshift32 after a spread of near seeds. */
export function createRandom(seed: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/**
 * One of the steps by chance, of a kind that is not in `hit` where there is one; of such kinds the rarest of the plan
 * goes first, because a common one comes again. Null without steps.
 */
export function pickTarget<T extends Target>(
  steps: readonly T[],
  plan: readonly Target[],
  hit: ReadonlySet<string>,
  random: () => number,
): T | null {
  const fresh = steps.filter(({ kind }) => !hit.has(kind));
  const countOf = (kind: string) => plan.filter((step) => step.kind === kind).length;
  const fewest = Math.min(...fresh.map(({ kind }) => countOf(kind)));
  const pool = fresh.length > 0 ? fresh.filter(({ kind }) => countOf(kind) === fewest) : steps;
  return pool[Math.floor(random() * pool.length)] ?? null;
}

/** `count` steps spread over the plan, one of each part of it in its order. */
export function spreadTargets<T extends Target>(
  plan: readonly T[],
  count: number,
  hit: ReadonlySet<string>,
  random: () => number,
): T[] {
  const known = new Set(hit);
  const found: T[] = [];
  for (let part = 0; part < count; part += 1) {
    const from = Math.floor((plan.length * part) / count);
    const to = Math.floor((plan.length * (part + 1)) / count);
    const target = pickTarget(plan.slice(from, to), plan, known, random);
    if (!target) continue;
    known.add(target.kind);
    found.push(target);
  }
  return found;
}

/** How long after the beginning of the step the kill comes, milliseconds: anywhere in it, about. */
export function toKillDelayMs({ estimateS }: Target, random: () => number): number {
  return random() * Math.min(estimateS * MS_PER_ESTIMATED_S, LONGEST_DELAY_MS);
}
