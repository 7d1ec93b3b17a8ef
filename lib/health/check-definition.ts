import type { Topology, TopologyNode } from '@/lib/topology/topology';
import type { NodeFacts } from './facts';

export type CheckStatus = 'ok' | 'warn' | 'fail';

/** What one check found on one host: `fail` below RKE2's minimum or where setting up would go wrong, `warn` otherwise. */
export interface CheckFinding {
  readonly status: CheckStatus;
  /** What was found, short: "2 cores". */
  readonly value: string;
  /** What is wanted, short: "4 or more". */
  readonly threshold: string;
  /** One sentence: why it matters. */
  readonly why: string;
  /** What to do, a command where one does it; empty when the check is ok. */
  readonly fix: string;
}

export interface CheckContext {
  readonly topology: Topology;
  readonly node: TopologyNode;
  readonly facts: NodeFacts;
  /** Facts of all nodes that could be read, this one too. */
  readonly all: readonly NodeFacts[];
}

export interface CheckDefinition {
  readonly id: string;
  readonly title: string;
  /** Null where the check says nothing about this host (a load balancer needs no etcd). */
  readonly check: (context: CheckContext) => CheckFinding | null;
}
