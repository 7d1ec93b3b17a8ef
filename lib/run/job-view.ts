import { z } from 'zod';
import { Failure, FailureCode } from '@/lib/core/failure';
import { JobId, SiteId } from '@/lib/core/ids';
import { CHECK_GROUPS, LINK_CHECKS, LINK_STATES } from '@/lib/health/check-definition';

/** Reading work on hosts; each has its own result shape below. */
export const JobKind = z.enum(['scan', 'preflight', 'plan', 'kubeconfig']);
export type JobKind = z.infer<typeof JobKind>;

export const JobView = z.object({
  id: JobId,
  siteId: SiteId.nullable(),
  kind: JobKind,
  state: z.enum(['queued', 'running', 'done', 'failed']),
  /** What it is doing, one line: "s1: reading facts". */
  progress: z.string(),
  result: z.unknown(),
  failure: Failure.nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
export type JobView = z.infer<typeof JobView>;

/** The key that one host offers, or why it could not be read. */
export const ScannedKey = z.object({
  algorithm: z.string().nullable(),
  fingerprint: z.string().nullable(),
  state: z.enum(['new', 'approved', 'changed', 'failed']),
  failure: Failure.nullable(),
});
export type ScannedKey = z.infer<typeof ScannedKey>;

/** Result of a scan: per node its own key, and the keys of the bastions on the way (`hop` is `address:port`). */
export const ScanResult = z.object({
  nodes: z.array(
    ScannedKey.extend({
      nodeId: z.string(),
      hops: z.array(ScannedKey.extend({ hop: z.string() })).default([]),
    }),
  ),
});
export type ScanResult = z.infer<typeof ScanResult>;

export const CheckStatus = z.enum(['ok', 'warn', 'fail']);

/** One cell of the matrix host × check. What came after the first release has a default, so that older rows parse. */
export const CheckCell = z.object({
  nodeId: z.string(),
  checkId: z.string(),
  title: z.string(),
  group: z.enum(CHECK_GROUPS).default('machine'),
  /** `fail` stands in the way of Apply, `warn` never does. */
  status: CheckStatus,
  value: z.string(),
  /** SHA-256 of all that was found; `value` may show only its beginning. Empty in results from before it was kept. */
  valueHash: z.string().default(''),
  threshold: z.string(),
  why: z.string(),
  fix: z.string(),
  /** Where the threshold comes from. */
  source: z.string().default(''),
  /** Could not be found out; `value` says why. Never ok. */
  isUnknown: z.boolean().default(false),
  takenAt: z.string().default(''),
});
export type CheckCell = z.infer<typeof CheckCell>;

/** What one host reaches on another: one entry of the port matrix per pair and link check. */
export const LinkCell = z.object({
  fromId: z.string(),
  toId: z.string(),
  checkId: z.enum(LINK_CHECKS),
  status: CheckStatus,
  value: z.string(),
  ports: z.array(
    z.object({
      ruleId: z.string(),
      protocol: z.enum(['tcp', 'udp', 'icmp', 'vrrp']),
      port: z.int().nullable(),
      state: z.enum(LINK_STATES),
      need: z.enum(['required', 'full']),
    }),
  ),
  takenAt: z.string(),
});
export type LinkCell = z.infer<typeof LinkCell>;

/** What a preflight was asked for; null means all. */
export const PreflightScope = z.object({
  nodeIds: z.array(z.string()).nullable(),
  checkIds: z.array(z.string()).nullable(),
});
export type PreflightScope = z.infer<typeof PreflightScope>;

export const PreflightResult = z.object({
  revision: z.int().default(0),
  scope: PreflightScope.default({ nodeIds: null, checkIds: null }),
  cells: z.array(CheckCell),
  links: z.array(LinkCell).default([]),
  /** Nodes whose facts could not be read: they have no cells. */
  unreachable: z.array(z.object({ nodeId: z.string(), failure: Failure })),
  /** Sentences about the whole: what was written for a moment, pairs that were left out. */
  notes: z.array(z.string()).default([]),
  takenAt: z.string(),
});
export type PreflightResult = z.infer<typeof PreflightResult>;

/** A problem that stands in the way of a plan, in words. */
export const PlanProblemView = z.object({
  nodeId: z.string().nullable(),
  /** Of a host that could not be read: the cause, as in every failure. */
  code: FailureCode.optional(),
  message: z.string(),
  nextAction: z.string(),
});

/** Result of a plan job: the plan's id (also when it is empty), or the problems that prevent one. */
export const PlanResult = z.object({
  planId: z.string().nullable(),
  steps: z.int(),
  problems: z.array(PlanProblemView),
});
export type PlanResult = z.infer<typeof PlanResult>;

/** Result of a kubeconfig job: sealed to the caller's one-time public key (P-256, see lib/secrets/seal-to); base64. */
export const KubeconfigResult = z.object({ sealed: z.string(), notAfter: z.string().nullable() });
export type KubeconfigResult = z.infer<typeof KubeconfigResult>;
