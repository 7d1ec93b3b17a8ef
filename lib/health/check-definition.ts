import type { PortRule } from '@/lib/ports/port-rule';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import type { NodeFacts } from './facts';
import type { HostSurvey } from './survey';

export type CheckStatus = 'ok' | 'warn' | 'fail';

/** Groups of the matrix's columns, in their order. */
export const CHECK_GROUPS = ['machine', 'disk', 'time', 'software', 'network', 'links', 'cluster'] as const;
export type CheckGroup = (typeof CHECK_GROUPS)[number];

/** Checks that dial from host to host. */
export const LINK_CHECKS = ['reach-tcp', 'reach-udp', 'reach-ping', 'reach-vrrp', 'path-mtu'] as const;
export type LinkCheckId = (typeof LINK_CHECKS)[number];

/**
 * How one dial ended. `open`: our own listener answered with its token. `in-use`: the real program holds the port.
 * `blocked`: nothing came back. `refused`: something sent a refusal. `stranger`: somebody else answered. `too-big`: the
 * path takes smaller packets and says so. `unknown`: neither end has the means to find out.
 */
export const LINK_STATES = [
  'open',
  'in-use',
  'blocked',
  'refused',
  'no-route',
  'stranger',
  'too-big',
  'unknown',
] as const;
export type LinkState = (typeof LINK_STATES)[number];

export interface LinkPort {
  readonly ruleId: string;
  readonly protocol: PortRule['protocol'];
  readonly port: number | null;
  readonly state: LinkState;
  readonly need: 'required' | 'full';
}

/** What one node reaches on another, all ports of one link check. */
export interface Link {
  readonly fromId: string;
  readonly toId: string;
  readonly checkId: LinkCheckId;
  readonly status: CheckStatus;
  /** Short: "all 6 open", "tcp 10250 blocked". */
  readonly value: string;
  readonly ports: readonly LinkPort[];
}

/** What one check found on one host: `fail` below RKE2's minimum or where setting up would go wrong, `warn` otherwise. */
export interface CheckFinding {
  readonly status: CheckStatus;
  /** What was found, short: "2 cores". */
  readonly value: string;
  /** All that was found, where `value` shows only the beginning of it. */
  readonly whole?: string;
  /** What is wanted, short: "4 or more". */
  readonly threshold: string;
  /** One sentence: why it matters. */
  readonly why: string;
  /** What to do, a command where one does it; empty when the check is ok. */
  readonly fix: string;
  /** Could not be found out; always a warning. */
  readonly isUnknown?: boolean;
}

/** How long synced writes took on the disk below /var/lib, or why that is not known. */
export type DiskSpeed =
  | {
      readonly writes: number;
      readonly p99Ms: number;
      readonly maxMs: number;
      /** With the start of a program in each write: the disk itself is no slower than this. */
      readonly isUpperBound: boolean;
    }
  | { readonly unknown: string };

export interface CheckContext {
  readonly topology: Topology;
  readonly node: TopologyNode;
  readonly facts: NodeFacts;
  /** Facts of all nodes that could be read, this one too. */
  readonly all: readonly NodeFacts[];
  /** Null where it was not asked for, or could not be read. */
  readonly survey: HostSurvey | null;
  /** Surveys of all nodes that could be read, by node id. */
  readonly surveys: ReadonlyMap<string, HostSurvey>;
  readonly diskSpeed: DiskSpeed | null;
  /** Links from this node; null where nothing was dialled. */
  readonly links: readonly Link[] | null;
  /** Who answers at the virtual IP as seen from this node; null where nobody asked. */
  readonly vip: VipAnswer | null;
  /** When this was read, milliseconds since 1970; null where nobody said. */
  readonly nowMs: number | null;
}

/** `silent`: nobody answered; `neighbour`: a machine said that the address is its own. */
export interface VipAnswer {
  readonly state: 'silent' | 'neighbour' | 'unknown';
  /** Hardware address of who answers, else empty. */
  readonly mac: string;
}

/** What a check needs beyond the facts of its own host; what nobody needs is not gathered. */
export type CheckNeed = 'all-facts' | 'survey' | 'disk-speed' | 'links' | 'vip';

export interface CheckDefinition {
  readonly id: string;
  readonly title: string;
  readonly group: CheckGroup;
  /** Where the threshold comes from. */
  readonly source: string;
  readonly needs?: readonly CheckNeed[];
  /** Null where the check says nothing about this host (a load balancer needs no etcd). */
  readonly check: (context: CheckContext) => CheckFinding | null;
}
