import type { NodeFacts } from '@/lib/health/facts';

/** True where the unit runs or is on its way to. */
export function isRunning(facts: NodeFacts, unit: string): boolean {
  return ['active', 'activating', 'reloading'].includes(facts.units[unit]?.active ?? '');
}
