import type { Topology } from '@/lib/topology/topology';
import { RULES } from './catalogue';
import type { Finding, Severity } from './finding';

const ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** What the rules say about a topology, errors first, then in the catalogue's and the document's order. */
export function checkTopology(topology: Topology): Finding[] {
  return RULES.flatMap(({ id, severity, source, find }) =>
    find(topology).map((hit) => ({ ruleId: id, severity, source, ...hit })),
  ).sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
}

/** True when nothing found stands in the way of a plan. */
export function isBuildable(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity !== 'error');
}
