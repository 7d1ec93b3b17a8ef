import type { NodeId } from '@/lib/core/ids';
import type { Plan, PlanStep } from '@/lib/plan/plan';

/** A step with its number on its own node, from 1. */
export interface NumberedStep {
  readonly number: number;
  readonly step: PlanStep;
}

/** Steps that one host does in one go; `after` are the numbers of the turns that must have ended before. */
export interface Turn {
  readonly number: number;
  readonly nodeId: NodeId;
  readonly steps: readonly NumberedStep[];
  readonly after: readonly number[];
}

/**
 * A plan as turns of whole hosts, so that a person walks from host to host and back only where the order demands it.
 * The turns are in an order that may be followed one after the other; those whose `after` are done may run side by side.
 * Throws when a step depends on one that does not stand before it.
 */
export function toTurns(plan: Pick<Plan, 'steps'>): Turn[] {
  const turns: Turn[] = [];
  const turnOf = new Map<string, number>();
  const waiting = new Map<NodeId, PlanStep[]>();
  const numbers = new Map<NodeId, number>();
  for (const step of plan.steps) waiting.set(step.nodeId, [...(waiting.get(step.nodeId) ?? []), step]);
  const isDone = (id: string) => turnOf.has(id);

  for (const first of plan.steps) {
    if (isDone(first.id)) continue;
    if (!first.dependsOn.every(isDone)) throw new Error(`step ${first.id} stands before what it depends on`);
    const number = turns.length + 1;
    const { nodeId } = first;
    const queue = waiting.get(nodeId) ?? [];
    const steps: NumberedStep[] = [];
    const after = new Set<number>();
    let ordinal = numbers.get(nodeId) ?? 0;
    for (let step = queue[0]; step?.dependsOn.every(isDone); step = queue[0]) {
      queue.shift();
      ordinal += 1;
      steps.push({ number: ordinal, step });
      for (const id of step.dependsOn) after.add(turnOf.get(id) ?? number);
      turnOf.set(step.id, number);
    }
    numbers.set(nodeId, ordinal);
    const before = turns.findLast((turn) => turn.nodeId === nodeId);
    if (before) after.add(before.number);
    after.delete(number);
    turns.push({ number, nodeId, steps, after: [...after].sort((a, b) => a - b) });
  }
  return turns;
}
