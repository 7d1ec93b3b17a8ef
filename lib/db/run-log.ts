import type { Pool } from 'pg';
import type { Failure } from '@/lib/core/failure';
import { RunId } from '@/lib/core/ids';
import { RunEventBody, type RunEvent, type RunState, type StepState } from '@/lib/run/run-event';
import { recordChange } from './change-feed';
import { inTransaction, type Queryable } from './connect';
import { StaleEpochError, CancelRequestedError } from './errors';
import { retryCollisions } from './retry-collisions';
import type { SiteClaim } from './site-lease';

/** Channel of the nudge that a run has new events; the payload is the run's id. */
export const RUN_EVENT_CHANNEL = 'siteplan_run_event';

export interface RunStepPatch {
  readonly stepId: string;
  readonly state?: StepState;
  readonly attempt?: number;
  /** Bytes of the host's journal that are stored as `step.output` events of this attempt. */
  readonly offset?: bigint;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly started?: true;
  readonly finished?: true;
}

export interface RunPatch {
  readonly state?: RunState;
  readonly stepsDone?: number;
  readonly started?: true;
  readonly finished?: true;
}

export interface AppendInput {
  readonly runId: string;
  readonly epoch: bigint;
  readonly events: readonly RunEventBody[];
  readonly steps?: readonly RunStepPatch[];
  readonly run?: RunPatch;
  /** An act begins with these events, so a run that is to be cancelled refuses them. */
  readonly startsAct?: boolean;
}

export interface RunStepRow {
  readonly stepId: string;
  readonly state: StepState;
  readonly attempt: number;
  readonly offset: bigint;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface ClaimedRun {
  readonly runId: RunId;
  readonly planId: string;
  readonly previousEpoch: bigint | null;
  readonly cancelRequested: boolean;
  /** A retry of one host: steps of other nodes are left as they are. Null means all. */
  readonly onlyNodeId: string | null;
}

async function patchStep(tx: Queryable, runId: string, patch: RunStepPatch): Promise<void> {
  await tx.query(
    `UPDATE run_step SET state = COALESCE($3, state), attempt = COALESCE($4, attempt),
            "offset" = COALESCE($5, "offset"), outputs = COALESCE($6, outputs),
            started_at = CASE WHEN $7 THEN now() ELSE started_at END,
            finished_at = CASE WHEN $8 THEN now() ELSE finished_at END
      WHERE run_id = $1 AND step_id = $2`,
    [
      runId,
      patch.stepId,
      patch.state ?? null,
      patch.attempt ?? null,
      patch.offset ?? null,
      patch.outputs ? JSON.stringify(patch.outputs) : null,
      patch.started ?? false,
      patch.finished ?? false,
    ],
  );
}

/**
 * The one way to write a run's log and its cache: takes the next numbers and appends, all in one transaction that
 * is fenced by the epoch. Returns the last sequence number. Throws StaleEpochError, having changed nothing, when a
 * newer epoch owns the run, and CancelRequestedError, likewise, where an act was to begin after the cancel.
 */
export async function appendRunEvents(db: { pool: Pool }, input: AppendInput): Promise<number> {
  const { runId, epoch, events, steps = [], run = {}, startsAct = false } = input;
  return inTransaction(db.pool, async (tx) => {
    if (run.state === 'done') await lockSiteOf(tx, runId);
    const { rows } = await tx.query<{ last_seq: number; cancel_requested: boolean }>(
      `UPDATE run SET last_seq = last_seq + $3, state = COALESCE($4, state), steps_done = COALESCE($5, steps_done),
              started_at = CASE WHEN $6 THEN COALESCE(started_at, now()) ELSE started_at END,
              finished_at = CASE WHEN $7 THEN now() ELSE finished_at END, log_bytes = log_bytes + $8
        WHERE id = $1 AND epoch = $2 RETURNING last_seq, cancel_requested`,
      [
        runId,
        epoch,
        events.length,
        run.state ?? null,
        run.stepsDone ?? null,
        run.started ?? false,
        run.finished ?? false,
        countOutput(events),
      ],
    );
    const lastSeq = rows[0]?.last_seq;
    if (lastSeq === undefined) throw new StaleEpochError(`run ${runId}`);
    if (startsAct && rows[0]?.cancel_requested) throw new CancelRequestedError(runId);
    await insertEvents(tx, runId, epoch, lastSeq - events.length, events);
    for (const patch of steps) await patchStep(tx, runId, patch);
    if (run.state === 'done') await noteApplied(tx, runId);
    if (run.state !== undefined || run.stepsDone !== undefined) await recordChange(tx, 'run', runId);
    await tx.query('SELECT pg_notify($1, $2)::text', [RUN_EVENT_CHANNEL, runId]);
    return lastSeq;
  });
}

/** What people ask of a run stands in its log beside what its one writer appends. */
const REQUESTS: readonly RunEventBody['type'][] = [
  'run.cancel-requested',
  'run.retry-requested',
  'run.resume-requested',
  'step.skipped',
];

/**
 * After an append whose answer was lost: the run's last number, and whether the writer of this epoch has stored
 * anything after `afterSeq`. Waits for a transaction that is still being ended. Throws StaleEpochError.
 */
export async function findLastAppend(
  db: { pool: Pool },
  { runId, epoch, afterSeq }: { runId: string; epoch: bigint; afterSeq: number },
): Promise<{ lastSeq: number; isStored: boolean }> {
  return inTransaction(db.pool, async (tx) => {
    const held = await tx.query<{ last_seq: number }>(
      'SELECT last_seq FROM run WHERE id = $1 AND epoch = $2 FOR UPDATE',
      [runId, epoch],
    );
    const lastSeq = held.rows[0]?.last_seq;
    if (lastSeq === undefined) throw new StaleEpochError(`run ${runId}`);
    const found = await tx.query(
      'SELECT 1 FROM run_event WHERE run_id = $1 AND epoch = $2 AND seq > $3 AND type <> ALL($4) LIMIT 1',
      [runId, epoch, afterSeq, REQUESTS],
    );
    return { lastSeq, isStored: found.rowCount === 1 };
  });
}

/** Bytes of step output that these events hold. */
function countOutput(events: readonly RunEventBody[]): number {
  return events.reduce(
    (sum, event) => sum + (event.type === 'step.output' ? event.nextOffset - event.offset : 0),
    0,
  );
}

/** Bytes of step output that the run's log holds so far, over all its steps and attempts (`RUN_LIMITS.maxLogBytes`). */
export async function readLogBytes(db: { pool: Pool }, runId: string): Promise<number> {
  const { rows } = await db.pool.query<{ bytes: string }>(
    'SELECT log_bytes::text AS bytes FROM run WHERE id = $1',
    [runId],
  );
  return Number(rows[0]?.bytes ?? 0);
}

/** Takes the site's lock before the run's, as everybody does who needs both. */
async function lockSiteOf(tx: Queryable, runId: string): Promise<void> {
  await tx.query('SELECT id FROM site WHERE id = (SELECT site_id FROM run WHERE id = $1) FOR NO KEY UPDATE', [
    runId,
  ]);
}

/**
 * A run that is done has brought its revision about (or taken it away), in the same transaction: never one alone. Not
 * so where a person left a step out: then only a plan without steps can say it (worker/jobs/plan).
 */
async function noteApplied(tx: Queryable, runId: string): Promise<void> {
  const { rows } = await tx.query<{ id: string }>(
    `UPDATE site SET applied_revision = CASE WHEN p.kind = 'apply' THEN p.revision END
       FROM run r JOIN plan p ON p.id = r.plan_id
      WHERE r.id = $1 AND site.id = r.site_id
        AND NOT EXISTS (SELECT 1 FROM run_step s WHERE s.run_id = r.id AND s.state = 'skipped')
      RETURNING site.id`,
    [runId],
  );
  for (const { id } of rows) await recordChange(tx, 'site', id);
}

/** Parameters of the statement that every row shares come first. */
const FIRST_ROW_PARAMETER = 4;
const ROW_PARAMETERS = 3;

async function insertEvents(
  tx: Queryable,
  runId: string,
  epoch: bigint,
  afterSeq: number,
  events: readonly RunEventBody[],
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((_, at) => {
    const first = FIRST_ROW_PARAMETER + at * ROW_PARAMETERS;
    return `($1, $2::int + ${at + 1}, $3::bigint, $${first}::text, $${first + 1}::text, $${first + 2}::text)`;
  });
  await tx.query(
    `INSERT INTO run_event (run_id, seq, epoch, type, step_id, body) VALUES ${rows.join(', ')}`,
    [
      runId,
      afterSeq,
      epoch,
      // A Buffer travels as it is; text in an array would be escaped and copied three times, which a flood feels.
      ...events.flatMap((event) => [
        event.type,
        'stepId' in event ? event.stepId : null,
        Buffer.from(JSON.stringify(event)),
      ]),
    ],
  );
}

/** Events with a number above `afterSeq`, in order, at most `limit`. */
export async function readRunEvents(
  db: { pool: Pool },
  runId: string,
  afterSeq: number,
  limit: number,
): Promise<RunEvent[]> {
  const { rows } = await db.pool.query<{ seq: number; at: Date; body: string }>(
    'SELECT seq, at, body FROM run_event WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3',
    [runId, afterSeq, limit],
  );
  return rows.map(({ seq, at, body }) => ({
    seq,
    at: at.toISOString(),
    body: RunEventBody.parse(JSON.parse(body)),
  }));
}

/** The cached steps of a run in plan order. */
export async function readRunSteps(db: { pool: Pool }, runId: string): Promise<RunStepRow[]> {
  const { rows } = await db.pool.query<{
    step_id: string;
    state: StepState;
    attempt: number;
    offset: string;
    outputs: Record<string, string> | null;
  }>(
    'SELECT step_id, state, attempt, "offset"::text AS "offset", outputs FROM run_step WHERE run_id = $1 ORDER BY ordinal',
    [runId],
  );
  return rows.map((row) => ({
    stepId: row.step_id,
    state: row.state,
    attempt: row.attempt,
    offset: BigInt(row.offset),
    outputs: row.outputs ?? {},
  }));
}

interface RunRow {
  readonly id: string;
  readonly plan_id: string;
  readonly epoch: string;
  readonly cancel_requested: boolean;
  readonly only_node_id: string | null;
}

/** The site's oldest unfinished run as it was, now under the lease's epoch. Throws StaleEpochError. */
async function takeOldestRun(db: { pool: Pool }, claim: SiteClaim): Promise<RunRow | null> {
  return inTransaction(db.pool, async (tx) => {
    const held = await tx.query('SELECT 1 FROM site_lease WHERE site_id = $1 AND epoch = $2 FOR SHARE', [
      claim.siteId,
      claim.epoch,
    ]);
    if (!held.rowCount) throw new StaleEpochError(`site ${claim.siteId}`);
    const { rows } = await tx.query<RunRow>(
      `SELECT id, plan_id, epoch::text AS epoch, cancel_requested, only_node_id FROM run
        WHERE site_id = $1 AND state IN ('queued', 'running') ORDER BY created_at, id LIMIT 1 FOR UPDATE`,
      [claim.siteId],
    );
    const row = rows[0];
    if (!row) return null;
    await tx.query('UPDATE run SET epoch = $2 WHERE id = $1', [row.id, claim.epoch]);
    return row;
  });
}

/**
 * Takes the site's oldest unfinished run under the lease's epoch, writing `run.claimed`; null when there is none.
 * A run that was running under an older epoch is taken over, not started again.
 */
export async function claimRun(
  db: { pool: Pool },
  claim: SiteClaim,
  worker: string,
): Promise<ClaimedRun | null> {
  const claimed = await retryCollisions(() => takeOldestRun(db, claim));
  if (!claimed) return null;
  const previousEpoch = claimed.epoch === '0' ? null : BigInt(claimed.epoch);
  await appendRunEvents(db, {
    runId: claimed.id,
    epoch: claim.epoch,
    events: [{ type: 'run.claimed', worker, previousEpoch: previousEpoch?.toString() ?? null }],
    run: { state: 'running', started: true },
  });
  return {
    runId: RunId.parse(claimed.id),
    planId: claimed.plan_id,
    previousEpoch,
    cancelRequested: claimed.cancel_requested,
    onlyNodeId: claimed.only_node_id,
  };
}

/** Whether somebody asked to cancel; null when the run belongs to a newer epoch. */
export async function findCancelRequest(
  db: { pool: Pool },
  runId: string,
  epoch: bigint,
): Promise<boolean | null> {
  const { rows } = await db.pool.query<{ cancel_requested: boolean }>(
    'SELECT cancel_requested FROM run WHERE id = $1 AND epoch = $2',
    [runId, epoch],
  );
  return rows[0]?.cancel_requested ?? null;
}

/** Why each of these steps failed last, by step id; a step that never failed has no entry. */
export async function readLastFailures(
  db: { pool: Pool },
  runId: string,
  stepIds: readonly string[],
): Promise<ReadonlyMap<string, Failure>> {
  const { rows } = await db.pool.query<{ body: string }>(
    `SELECT DISTINCT ON (step_id) body FROM run_event
      WHERE run_id = $1 AND type = 'step.failed' AND step_id = ANY($2) ORDER BY step_id, seq DESC`,
    [runId, stepIds],
  );
  const failures = new Map<string, Failure>();
  for (const { body } of rows) {
    const event = RunEventBody.parse(JSON.parse(body));
    if (event.type === 'step.failed') failures.set(event.stepId, event.failure);
  }
  return failures;
}
