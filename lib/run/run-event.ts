import { z } from 'zod';
import { Failure } from '@/lib/core/failure';

/** Where a run can be. The last five are ends; each has its own word, shape and next action. */
export const RunState = z.enum([
  'queued',
  'running',
  'done',
  'failed',
  'unreachable',
  'cancelled',
  'needs-attention',
]);
export type RunState = z.infer<typeof RunState>;

export const StepState = z.enum([
  'waiting',
  'probing',
  'acting',
  'verifying',
  'done',
  'failed',
  'skipped',
  'cancelled',
]);
export type StepState = z.infer<typeof StepState>;

const step = { stepId: z.string() };

/** A red check that a person let pass for this run. */
export const RunOverride = z.object({
  nodeId: z.string(),
  checkId: z.string(),
  title: z.string(),
  /** What the check had found. */
  value: z.string(),
  reason: z.string(),
  by: z.string(),
});
export type RunOverride = z.infer<typeof RunOverride>;

/** One line of a run's log. The log is the truth; columns of run and step are a cache of it. */
export const RunEventBody = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run.queued'),
    by: z.string(),
    steps: z.int(),
    /** Absent when no check was red. */
    overrides: z.array(RunOverride).optional(),
  }),
  /** A worker took the run; `previousEpoch` tells a take-over ("continued at step 14") from a first start. */
  z.object({ type: z.literal('run.claimed'), worker: z.string(), previousEpoch: z.string().nullable() }),
  z.object({ type: z.literal('run.cancel-requested'), by: z.string() }),
  /** Steps that stopped start again: all of them, or `stepIds` of the one host `nodeId`. */
  z.object({
    type: z.literal('run.retry-requested'),
    by: z.string(),
    nodeId: z.string().optional(),
    stepIds: z.array(z.string()).optional(),
  }),
  /** The run goes on where the way was cut, or past a step that was skipped. */
  z.object({ type: z.literal('run.resume-requested'), by: z.string() }),
  z.object({ type: z.literal('run.finished'), state: RunState, failure: Failure.nullable() }),
  z.object({ type: z.literal('host.lost'), nodeId: z.string(), failure: Failure }),
  z.object({ type: z.literal('host.back'), nodeId: z.string(), rebooted: z.boolean() }),
  z.object({ type: z.literal('step.started'), ...step, attempt: z.int() }),
  z.object({ type: z.literal('step.probed'), ...step, satisfied: z.boolean() }),
  /** How far the worker is with something that takes long before the act: `sends FILE: 120 of 800 MiB`. */
  z.object({ type: z.literal('step.progress'), ...step, text: z.string() }),
  z.object({ type: z.literal('step.act-started'), ...step, attempt: z.int() }),
  z.object({ type: z.literal('step.verifying'), ...step }),
  /** The act was found running on the host (or ended there) and is followed again from `offset`. */
  z.object({ type: z.literal('step.reattached'), ...step, offset: z.int() }),
  /** Bytes [offset, nextOffset) of the host's journal, redacted and made printable; key is (step, offset). */
  z.object({
    type: z.literal('step.output'),
    ...step,
    offset: z.int(),
    nextOffset: z.int(),
    text: z.string(),
  }),
  /** The log is full: bytes [offset, offset + bytes) of the step's output are counted and hashed, not stored. */
  z.object({
    type: z.literal('step.output-cut'),
    ...step,
    offset: z.int(),
    bytes: z.int(),
    sha256: z.string(),
  }),
  /** A cancel waits for the end of this step, because it must not be cut; `reason` says why. */
  z.object({ type: z.literal('step.cancel-deferred'), ...step, reason: z.string() }),
  z.object({
    type: z.literal('step.finished'),
    ...step,
    outcome: z.enum(['already-so', 'done']),
    outputs: z.record(z.string(), z.string()),
  }),
  z.object({ type: z.literal('step.failed'), ...step, failure: Failure }),
  z.object({ type: z.literal('step.skipped'), ...step, by: z.string(), reason: z.string() }),
  z.object({ type: z.literal('step.cancelled'), ...step }),
]);
export type RunEventBody = z.infer<typeof RunEventBody>;

/** An event with its place: `seq` counts from 1 without a gap within one run; `at` is the database's clock, ISO 8601. */
export interface RunEvent {
  readonly seq: number;
  readonly at: string;
  readonly body: RunEventBody;
}
