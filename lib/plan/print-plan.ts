import { toCount } from '@/lib/core/text';
import type { NodeId } from '@/lib/core/ids';
import type { Plan, PlanStep } from './plan';

/** A plan as text for people, a bundle or a golden file; `nameOf` gives a node's name for its id. */
export function printPlan(plan: Plan, nameOf: (nodeId: NodeId) => string): string {
  const hosts = new Set(plan.steps.map(({ nodeId }) => nodeId)).size;
  const head = `Plan ${plan.id}: ${plan.kind} revision ${plan.revision}`;
  const notices = plan.notices.map((notice) => `\nNote: ${notice}\n`).join('');
  if (plan.steps.length === 0)
    return `${head}\nNothing to do: every host already is as the drawing says.\n${notices}`;
  const numbers = new Map(plan.steps.map(({ id }, index) => [id, index + 1]));
  const lines = plan.steps.map((step, index) => printStep(step, index + 1, nameOf(step.nodeId), numbers));
  return `${head}\n${toCount(plan.steps.length, 'step')} on ${toCount(hosts, 'host')}\n${notices}\n${lines.join('\n')}`;
}

function printStep(
  step: PlanStep,
  number: number,
  node: string,
  numbers: ReadonlyMap<string, number>,
): string {
  const after = step.dependsOn.map((id) => numbers.get(id) ?? id).join(', ');
  const lines = [
    `${number}. ${node}: ${step.title}  [${step.kind} ${step.id}]`,
    `   ${step.effect}`,
    ...(after ? [`   after ${after}`] : []),
    ...(step.restarts.length > 0 ? [`   restarts ${step.restarts.join(', ')}`] : []),
    ...(step.quorum === null ? [] : [`   quorum ${step.quorum}`]),
    ...(step.diff
      ? step.diff
          .trimEnd()
          .split('\n')
          .map((line) => `   | ${line}`.trimEnd())
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
