import { sha256Hex } from '@/lib/core/hash';
import type { PlanKind } from '@/lib/plan/plan';
import type { TestStep } from '@/lib/testing/ledger-step';
import { Topology } from '@/lib/topology/topology';

/**
 * One plan that the drivers drive on lab hosts. Cases come in order: each begins where the one before it has left the
 * hosts, so a new kind stands where its start is already there (an upgrade after the first apply, say).
 */
export interface PlanCase {
  /** Names the golden file as well. */
  readonly name: string;
  readonly kind: PlanKind;
  /** What the drawing asks for now, made from that of one server. */
  readonly toTopology: (base: Topology) => Topology;
  /** Steps of kinds that no plan for a lab host has; in place of a plan. */
  readonly steps?: (nodeId: string) => readonly TestStep[];
}

const withSan = (base: Topology): Topology =>
  Topology.parse({ ...base, security: { ...base.security, extraSans: ['k8s.example.net'] } });

/** A lab host has no NetworkManager, the one unit that plans reload; sshd is reloaded in its place. */
const reloadSsh = (nodeId: string): readonly TestStep[] => [
  {
    nodeId,
    kind: 'service.reload',
    params: { unit: 'ssh.service', stampName: 'ssh.service', stamp: sha256Hex('ssh') },
  },
];

/** A case for every kind of plan that can be built, and among them every kind of step; `plan-cases.test.ts` sees to both. */
export const PLAN_CASES: readonly PlanCase[] = [
  { name: 'first-apply', kind: 'apply', toTopology: (base) => base },
  { name: 'changed-configuration', kind: 'apply', toTopology: withSan },
  { name: 'nothing-to-do', kind: 'apply', toTopology: withSan },
  { name: 'reload', kind: 'apply', toTopology: withSan, steps: reloadSsh },
  { name: 'uninstall', kind: 'uninstall', toTopology: withSan },
];
