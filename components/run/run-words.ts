import { toAgoText } from '@/components/ui/time-text';
import type { Plan, PlanStep } from '@/lib/plan/plan';
import type { RunEvent } from '@/lib/run/run-event';
import type { RunSummary } from '@/lib/run/run-summary';
import { RUN_STATES, STEP_STATES } from '@/lib/run/run-states';

/** `step 4, "Install RKE2"`; of a step that the plan does not have, its id. */
export function toStepName(plan: Plan, stepId: string): string {
  const index = plan.steps.findIndex((step) => step.id === stepId);
  return index < 0 ? `step ${stepId}` : `step ${index + 1}, “${plan.steps[index]?.title ?? ''}”`;
}

/** Steps that wait for one, directly or through others, in the plan's order. */
export function listDependants(plan: Plan, stepId: string): readonly PlanStep[] {
  const waiting = new Set([stepId]);
  for (const step of plan.steps) if (step.dependsOn.some((id) => waiting.has(id))) waiting.add(step.id);
  return plan.steps.filter((step) => step.id !== stepId && waiting.has(step.id));
}

interface Moment {
  readonly plan: Plan;
  readonly summary: RunSummary;
  readonly notes: readonly RunEvent[];
  readonly isCancelling: boolean;
  readonly nodeName: (nodeId: string) => string;
  readonly nowMs: number;
}

/** What is true right now besides the state's word, while something dies or ends: one sentence each, the newest facts. */
export function toPresentWords(moment: Moment): readonly string[] {
  if (RUN_STATES[moment.summary.state].isTerminal) return [];
  return [...toCancelWords(moment), ...toLostWords(moment)];
}

function toCancelWords({ plan, summary, notes, isCancelling }: Moment): readonly string[] {
  if (!isCancelling) return [];
  const underWay = new Set(listUnderWay(summary).map((step) => step.stepId));
  const deferred = notes.flatMap(({ body }) =>
    body.type === 'step.cancel-deferred' && underWay.has(body.stepId) ? [body] : [],
  );
  if (deferred.length === 0) return ['Cancelling: what runs on the hosts is being stopped.'];
  return [...new Map(deferred.map((body) => [body.stepId, body])).values()].map(
    ({ stepId, reason }) =>
      `Cancelling; waits for ${toStepName(plan, stepId)}, which must not be cut: ${reason}.`,
  );
}

function toLostWords({ plan, summary, notes, nodeName, nowMs }: Moment): readonly string[] {
  const nodeOf = new Map(plan.steps.map((step) => [step.id, step.nodeId]));
  return summary.lostNodes.map((nodeId) => {
    const lost = notes.findLast(({ body }) => body.type === 'host.lost' && body.nodeId === nodeId);
    const since = lost ? ` ${toAgoText(Date.parse(lost.at), nowMs)}` : '';
    const step = listUnderWay(summary).find(({ stepId }) => nodeOf.get(stepId) === nodeId);
    const goesOn =
      step && step.state !== 'probing' ? `; ${toStepName(plan, step.stepId)}, goes on there` : '';
    return `${nodeName(nodeId)}: connection lost${since}, trying again${goesOn}.`;
  });
}

function listUnderWay(summary: RunSummary): RunSummary['steps'] {
  return summary.steps.filter(({ state }) => state !== 'waiting' && !STEP_STATES[state].isTerminal);
}
