import { toCount } from '@/lib/core/text';
import type { Plan, PlanStep } from '@/lib/plan/plan';
import type { JobView, PlanResult } from '@/lib/run/job-view';

export interface PlanGroup {
  readonly nodeId: string;
  /** With their numbers in the plan's order, from 1. */
  readonly steps: readonly { readonly number: number; readonly step: PlanStep }[];
}

/** Steps grouped by node: a node's steps stand together as long as nothing of another node comes between. */
export function toPlanGroups(steps: readonly PlanStep[]): readonly PlanGroup[] {
  const groups: { nodeId: string; steps: { number: number; step: PlanStep }[] }[] = [];
  steps.forEach((step, index) => {
    const last = groups.at(-1);
    const entry = { number: index + 1, step };
    if (last?.nodeId === step.nodeId) last.steps.push(entry);
    else groups.push({ nodeId: step.nodeId, steps: [entry] });
  });
  return groups;
}

/** What the button does, in words: `Apply 14 steps to 1 host`. */
export function toApplyWords(plan: Plan): string {
  const hosts = new Set(plan.steps.map((step) => step.nodeId)).size;
  const verb = plan.kind === 'uninstall' ? 'Uninstall with' : 'Apply';
  const place = plan.kind === 'uninstall' ? 'on' : 'to';
  return `${verb} ${toCount(plan.steps.length, 'step')} ${place} ${toCount(hosts, 'host')}`;
}

/** Expected time of the whole plan when hosts wait for nothing but their own steps and what those depend on; seconds. */
export function toEstimateS(steps: readonly PlanStep[]): number {
  const endOf = new Map<string, number>();
  const freeAt = new Map<string, number>();
  for (const step of steps) {
    const start = Math.max(freeAt.get(step.nodeId) ?? 0, ...step.dependsOn.map((id) => endOf.get(id) ?? 0));
    const end = start + step.estimateS;
    endOf.set(step.id, end);
    freeAt.set(step.nodeId, end);
  }
  return Math.max(0, ...endOf.values());
}

/** The result of a plan job, null before there is one. */
export function findPlanResult(job: JobView | null): PlanResult | null {
  return (job?.result as PlanResult | null | undefined) ?? null; // the worker checks it against its schema
}
