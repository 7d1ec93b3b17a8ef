import { sha256Hex } from '@/lib/core/hash';
import { findNode } from '@/lib/topology/find-node';
import type { Topology } from '@/lib/topology/topology';
import type {
  CheckDefinition,
  CheckFinding,
  CheckGroup,
  CheckNeed,
  DiskSpeed,
  Link,
  VipAnswer,
} from './check-definition';
import { toUnknown } from './check-result';
import { clusterChecks } from './cluster-checks';
import { diskChecks } from './disk-checks';
import type { NodeFacts } from './facts';
import { hostChecks, timeChecks } from './host-checks';
import { linkChecks } from './link-checks';
import { networkChecks } from './network-checks';
import { softwareChecks } from './software-checks';
import type { HostSurvey } from './survey';

/** One cell of the matrix host × check. */
export interface HostCheck extends CheckFinding {
  readonly nodeId: string;
  readonly checkId: string;
  readonly title: string;
  readonly group: CheckGroup;
  readonly source: string;
  readonly isUnknown: boolean;
  /** SHA-256 of all that was found: the same for the same finding, however little of it is shown. */
  readonly valueHash: string;
}

/** Every check, in the order of the matrix's columns: by group, in the groups' order. */
export const CHECKS: readonly CheckDefinition[] = [
  ...hostChecks,
  ...diskChecks,
  ...timeChecks,
  ...softwareChecks,
  ...networkChecks,
  ...linkChecks,
  ...clusterChecks,
];

/** What was gathered beside the facts, as far as anybody asked for it. */
export interface CheckReadings {
  readonly surveys?: ReadonlyMap<string, HostSurvey>;
  readonly diskSpeeds?: ReadonlyMap<string, DiskSpeed>;
  readonly links?: readonly Link[];
  readonly vips?: ReadonlyMap<string, VipAnswer>;
  readonly nowMs?: number;
  /** Only these nodes and checks; absent means all. */
  readonly nodeIds?: ReadonlySet<string>;
  readonly checkIds?: ReadonlySet<string>;
}

/** What has to be gathered for some checks; all of them by default. */
export function listNeeds(checkIds?: ReadonlySet<string>): ReadonlySet<CheckNeed> {
  const chosen = CHECKS.filter(({ id }) => checkIds?.has(id) ?? true);
  return new Set(chosen.flatMap(({ needs }) => needs ?? []));
}

/** All checks over all nodes whose facts are known; order by node of the topology, then by `CHECKS`. */
export function checkHosts(
  topology: Topology,
  facts: readonly NodeFacts[],
  readings: CheckReadings = {},
): HostCheck[] {
  const { surveys = new Map<string, HostSurvey>(), links, nowMs = null } = readings;
  return topology.nodes.flatMap(({ id }) => {
    const node = findNode(topology, id);
    const own = facts.find(({ nodeId }) => nodeId === id);
    if (!node || !own || readings.nodeIds?.has(id) === false) return [];
    const context = {
      topology,
      node,
      facts: own,
      all: facts,
      survey: surveys.get(id) ?? null,
      surveys,
      diskSpeed: readings.diskSpeeds?.get(id) ?? null,
      links: links?.filter(({ fromId }) => fromId === id) ?? null,
      vip: readings.vips?.get(id) ?? null,
      nowMs,
    };
    const isUnread = readings.surveys !== undefined && context.survey === null;
    return CHECKS.flatMap((definition): HostCheck[] => {
      const { id: checkId, title, group, source, needs = [], check } = definition;
      if (readings.checkIds?.has(checkId) === false) return [];
      const finding = isUnread && needs.includes('survey') ? NOT_READ : check(context);
      if (!finding) return [];
      const { whole, ...shown } = finding;
      const valueHash = sha256Hex(whole ?? shown.value);
      return [{ nodeId: id, checkId, title, group, source, isUnknown: false, ...shown, valueHash }];
    });
  });
}

/** A host that let its facts be read and not its survey: nothing is known, so nothing is well. */
const NOT_READ = toUnknown({
  value: 'this part of the host could not be read',
  threshold: 'an answer',
  why: 'The host answered before and not to this question, so nothing is known about it.',
  fix: 'Run this check again; if it stays, look at the load of the host and at its log: journalctl -u ssh',
});
