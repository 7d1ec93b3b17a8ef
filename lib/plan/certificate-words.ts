import { toCount } from '@/lib/core/text';
import type { NodeFacts } from '@/lib/health/facts';
import { clusterNodes } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import { isRunning } from './is-running';
import type { PlanStep } from './plan';

/**
 * A start of RKE2 renews its leaf certificates, which last 365 days, within this many days of their end (RKE2 docs
 * security/certificates; 90 before May 2025).
 */
const RENEWAL_DAYS = 120;

/** Days until the certificates of a node end, where a restart would renew them; null where it would not, or nobody knows. */
export function findDaysLeft({ certificateDays }: NodeFacts): number | null {
  return certificateDays !== null && certificateDays < RENEWAL_DAYS ? certificateDays : null;
}

/** `end in 80 days`, `end today`, `ended 3 days ago`. */
export function toEndText(days: number): string {
  if (days === 0) return 'end today';
  const count = toCount(Math.abs(days), 'day');
  return days > 0 ? `end in ${count}` : `ended ${count} ago`;
}

/** Nodes whose certificates are due and which this plan does not restart. */
export function toCertificateNotices(
  topology: Topology,
  facts: readonly NodeFacts[],
  steps: readonly PlanStep[],
): readonly string[] {
  return clusterNodes(topology).flatMap(({ id, name, role }) => {
    const unit = `rke2-${role}.service`;
    const found = facts.find(({ nodeId }) => nodeId === id);
    const days = found && isRunning(found, unit) ? findDaysLeft(found) : null;
    const restarts = steps.some((step) => step.nodeId === id && step.restarts.includes(unit));
    if (days === null || restarts) return [];
    const turn = role === 'server' ? ', one server at a time' : '';
    return [
      `The certificates of RKE2 on ${name} ${toEndText(days)}. RKE2 renews them when it starts: restart rke2-${role} there${turn}.`,
    ];
  });
}
