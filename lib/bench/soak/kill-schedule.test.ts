import { describe, expect, it } from 'vitest';
import { createRandom, pickTarget, spreadTargets, toKillDelayMs } from './kill-schedule';

const step = (kind: string, index: number) => ({ id: `${kind}-${index}`, kind, estimateS: 1 });
const plan = [
  ...['lb.packages', 'lb.put', 'lb.put', 'lb.ready'],
  ...['file.put', 'file.put', 'file.put', 'artifact.fetch'],
  ...['file.put', 'service.start', 'rke2.ready', 'cluster.verify'],
].map(step);
const NONE = new Set<string>();

describe('what the kills of creations aim at', () => {
  it('is the same for a seed, and another for the next one', () => {
    const draw = (seed: number) => Array.from({ length: 8 }, createRandom(seed));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    for (const value of [0, 1, 2 ** 31].flatMap(draw)) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1);
    }
  });

  it('is a kind that no kill has hit, the rarest first', () => {
    expect(pickTarget(plan.slice(0, 3), plan, NONE, () => 0)?.kind).toBe('lb.packages');
    expect(pickTarget(plan.slice(0, 3), plan, new Set(['lb.packages']), () => 0.9)?.id).toBe('lb.put-2');
  });

  it('is any step where every kind was hit, and nothing without steps', () => {
    const all = new Set(plan.map(({ kind }) => kind));
    const picked = [0, 0.5, 0.99].map((value) => pickTarget(plan, plan, all, () => value)?.id);
    expect(picked).toEqual(['lb.packages-0', 'file.put-6', 'cluster.verify-11']);
    expect(pickTarget([], plan, NONE, () => 0)).toBeNull();
  });

  it('is spread over the plan, and meets every kind in a few rounds', () => {
    const random = createRandom(1);
    const first = spreadTargets(plan, 3, NONE, random);
    expect(first.map((target) => Math.floor(plan.indexOf(target) / 4))).toEqual([0, 1, 2]);
    const hit = new Set(first.map(({ kind }) => kind));
    const second = spreadTargets(plan, 3, hit, random);
    const third = spreadTargets(plan, 3, new Set([...hit, ...second.map(({ kind }) => kind)]), random);
    const kinds = [...first, ...second, ...third].map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(plan.map(({ kind }) => kind)));
  });

  it('is a moment within the step, as long as the plan thinks that it takes', () => {
    expect(toKillDelayMs({ ...step('file.put', 0), estimateS: 2 }, () => 0.5)).toBe(25);
    expect(toKillDelayMs({ ...step('service.start', 0), estimateS: 1_000 }, () => 1)).toBe(2_500);
  });
});
