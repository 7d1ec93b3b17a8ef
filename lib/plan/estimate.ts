import type { Plan } from './plan';

/** Expected wall seconds of a plan: the longest chain of steps that wait for each other, one step at a time per node. */
export function estimatePlanS(plan: Plan): number {
  const endOfStep = new Map<string, number>();
  const endOfNode = new Map<string, number>();
  for (const step of plan.steps) {
    const begin = Math.max(
      endOfNode.get(step.nodeId) ?? 0,
      ...step.dependsOn.map((id) => endOfStep.get(id) ?? 0),
    );
    endOfStep.set(step.id, begin + step.estimateS);
    endOfNode.set(step.nodeId, begin + step.estimateS);
  }
  return Math.max(0, ...endOfStep.values());
}
