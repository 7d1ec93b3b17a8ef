import { z } from 'zod';
import { Failure, FailureCode } from '@/lib/core/failure';
import { JobId, SiteId } from '@/lib/core/ids';

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

/** One cell of the matrix host × check. */
export const CheckCell = z.object({
  nodeId: z.string(),
  checkId: z.string(),
  title: z.string(),
  status: z.enum(['ok', 'warn', 'fail']),
  value: z.string(),
  threshold: z.string(),
  why: z.string(),
  fix: z.string(),
});
export type CheckCell = z.infer<typeof CheckCell>;

export const PreflightResult = z.object({
  cells: z.array(CheckCell),
  /** Nodes whose facts could not be read. */
  unreachable: z.array(z.object({ nodeId: z.string(), failure: Failure })),
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
