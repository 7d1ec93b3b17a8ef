import type { NodeId } from '@/lib/core/ids';

export type PlanProblemCode =
  | 'no-server'
  | 'facts-missing'
  | 'wrong-architecture'
  | 'no-systemd'
  | 'downgrade'
  | 'minor-skipped'
  | 'etcd-stop'
  | 'unknown-version'
  | 'foreign-data'
  | 'other-role'
  | 'interface-missing'
  | 'first-server-bare'
  | 'servers-replaced'
  | 'undrawn-server'
  | 'node-identity'
  | 'critical-value';

/** Why no plan is made, in words: what stands in the way on which node, and what to do next. */
export interface PlanProblem {
  readonly code: PlanProblemCode;
  readonly nodeId: NodeId | null;
  readonly message: string;
  readonly nextAction: string;
}
