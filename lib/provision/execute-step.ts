import type { Failure, FailureCode } from '@/lib/core/failure';
import { toShellAssignments } from '@/lib/core/shell-quote';
import type { RunStepRow } from '@/lib/db/run-log';
import type { ScriptResult } from '@/lib/ssh/framed-shell';
import { parseStepOutputs } from '@/lib/steps/script-output';
import { PROBE_NEEDED, PROBE_SATISFIED } from '@/lib/steps/step-kind';
import type { Clock } from './clock';
import type { EventWriter } from './event-writer';
import type { FilledStep } from './fill-step';
import { followAct, readTail, type JournalCursor } from './follow-act';
import { toActKey, type ActStatus } from './host-runner';
import { StepCancelledError, type HostSession, type PreparedHost } from './host-session';
import type { Redaction } from './redact';
import { toFailure, toStepFailure } from './step-failure';

const CHECK_TIMEOUT_MS = 180_000;
const CANCEL_POLL_MS = 200;
/** An act that ends without saying how (reboot, kill) is tried again, after a probe, this many times in all. */
const MAX_ACTS = 3;

export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** Interrupted again and again: a person must look. */
  | { readonly kind: 'needs-attention'; readonly failure: Failure };

export interface StepContext {
  readonly runId: string;
  readonly step: FilledStep;
  readonly session: HostSession;
  readonly writer: EventWriter;
  readonly redaction: Redaction;
  readonly clock: Clock;
  readonly isCancelRequested: () => boolean;
}

/**
 * One step on one host, from wherever its row says it is:
 *
 *   waiting ─▶ probing ──already so──────────────▶ done
 *                │ needed       ┌─ interrupted: next attempt, probe again
 *                ▼              │
 *              acting ──exit 0──┴▶ verifying ─────▶ done
 *                └─ exit, timeout, cancel ────────▶ failed, cancelled
 *
 * Acting is only ever entered through a probe, or by reattaching to what runs. Rejects with HostError when the host
 * could not be worked on, StepCancelledError, StaleEpochError, or the signal's reason.
 */
export async function executeStep(context: StepContext, row: RunStepRow): Promise<StepOutcome> {
  const { step, writer } = context;
  const stepId = step.id;
  let acts = row.attempt;
  let ended: ActStatus | null = null;
  if (row.state === 'acting' || (row.state === 'waiting' && (await isStillRunning(context, row)))) {
    ended = await reattach(context, row);
  } else if (row.state === 'waiting') start(context, acts + 1);
  const isResumedInVerify = row.state === 'verifying';
  for (;;) {
    if (ended?.state === 'interrupted') {
      if (acts >= row.attempt + MAX_ACTS) return { kind: 'needs-attention', failure: toInterrupted(context) };
      start(context, acts + 1);
    }
    const isActOver = isResumedInVerify || ended?.state === 'finished';
    if (!isActOver) {
      const satisfied = await probe(context, acts);
      if (satisfied !== null) return satisfied;
      if (context.isCancelRequested()) throw new StepCancelledError();
      acts = ended?.state === 'absent' ? acts : acts + 1;
      ended = await act(context, acts);
      if (ended.state === 'interrupted') continue;
    }
    const failed = ended ? await toActFailure(context, ended, acts) : null;
    if (failed) return failed;
    writer.push(null, { stepId, state: 'verifying' });
    return verify(context);
  }
}

function start({ step, writer }: StepContext, attempt: number): void {
  writer.push(
    { type: 'step.started', stepId: step.id, attempt },
    { stepId: step.id, state: 'probing', started: true },
  );
}

/** A probe or verify: changes nothing, so it is simply done again after a loss of the connection. */
function check(context: StepContext, part: 'probe' | 'verify'): Promise<ScriptResult & { host: string }> {
  const { step, session } = context;
  return session.use(async ({ shell, connection }) => ({
    host: connection.name,
    ...(await shell.run({ script: step.kind[part], variables: step.variables, timeoutMs: CHECK_TIMEOUT_MS })),
  }));
}

function toOutputs({ redaction }: StepContext, { stdout }: ScriptResult): Record<string, string> {
  const outputs = Object.entries(parseStepOutputs(stdout.toString('utf8')));
  return Object.fromEntries(outputs.map(([key, value]) => [key, redaction.text(value)]));
}

function finish(context: StepContext, outcome: 'already-so' | 'done', result: ScriptResult): StepOutcome {
  const stepId = context.step.id;
  const outputs = toOutputs(context, result);
  context.writer.push(
    { type: 'step.finished', stepId, outcome, outputs },
    { stepId, state: 'done', outputs, finished: true },
  );
  return { kind: 'done' };
}

function toTail({ redaction }: StepContext, { stdout, stderr }: ScriptResult): string {
  return redaction.text(`${stdout.toString('utf8').slice(-4096)}\n${stderr.toString('utf8').slice(-4096)}`);
}

/** How the step ended if the host is as wanted or could not be looked at; null when the act is needed. */
async function probe(context: StepContext, acts: number): Promise<StepOutcome | null> {
  const { step, writer } = context;
  const result = await check(context, 'probe');
  if (result.exitCode === PROBE_SATISFIED) {
    writer.push({ type: 'step.probed', stepId: step.id, satisfied: true });
    return finish(context, acts > 0 ? 'done' : 'already-so', result);
  }
  if (result.exitCode === PROBE_NEEDED) {
    writer.push({ type: 'step.probed', stepId: step.id, satisfied: false });
    return null;
  }
  const { host, exitCode } = result;
  const failure = toStepFailure({
    part: 'probe',
    host,
    title: step.title,
    exitCode,
    tail: toTail(context, result),
  });
  return { kind: 'failed', failure };
}

async function verify(context: StepContext): Promise<StepOutcome> {
  const result = await check(context, 'verify');
  if (result.exitCode === 0) return finish(context, 'done', result);
  const { host, exitCode } = result;
  const tail = toTail(context, result);
  const { title } = context.step;
  return { kind: 'failed', failure: toStepFailure({ part: 'verify', host, title, exitCode, tail }) };
}

function toCursor({ runId, step }: StepContext, attempt: number, offset: number): JournalCursor {
  return { stepId: step.id, key: toActKey(runId, step.id, attempt), offset };
}

/** Starts the act and follows it to its end. */
async function act(context: StepContext, attempt: number): Promise<ActStatus> {
  const { step, session, writer } = context;
  const stepId = step.id;
  writer.push(
    { type: 'step.act-started', stepId, attempt },
    { stepId, state: 'acting', attempt, offset: 0n },
  );
  // Before the host hears of it: whoever comes after us must know this attempt's key.
  await writer.flush();
  const cursor = toCursor(context, attempt, 0);
  let isFirst = true;
  return session.use(
    async (host) => {
      const status = await host.runner.start({
        key: cursor.key,
        params: toShellAssignments(step.variables),
        script: step.kind.act,
        input: step.payload,
        limitS: step.kind.timeoutS,
      });
      if (!isFirst) noteReattached(context, cursor);
      isFirst = false;
      return status.state === 'interrupted' ? drain(context, host, cursor) : follow(context, host, cursor);
    },
    { isActing: true },
  );
}

/** A retried step whose last act was given up while its host was out of reach may still be at work there. */
async function isStillRunning(context: StepContext, row: RunStepRow): Promise<boolean> {
  if (row.attempt === 0) return false;
  const { key } = toCursor(context, row.attempt, 0);
  return context.session.use(async ({ runner }) => (await runner.status(key)).state === 'running');
}

/** A step that an earlier worker left acting: whatever happened on the host meanwhile is taken up, nothing is started. */
async function reattach(context: StepContext, row: RunStepRow): Promise<ActStatus> {
  const cursor = toCursor(context, row.attempt, Number(row.offset));
  return context.session.use(
    async (host) => {
      const status = await host.runner.status(cursor.key);
      if (status.state === 'absent' || status.state === 'ready') return { ...status, state: 'absent' };
      noteReattached(context, cursor);
      return status.state === 'interrupted' ? drain(context, host, cursor) : follow(context, host, cursor);
    },
    { isActing: true },
  );
}

function noteReattached({ writer, step }: StepContext, { offset }: JournalCursor): void {
  const stepId = step.id;
  writer.push({ type: 'step.reattached', stepId, offset }, { stepId, state: 'acting' });
}

/** What an interrupted act has left in its journal; a fast pass, because follow ends at once there. */
async function drain(context: StepContext, host: PreparedHost, cursor: JournalCursor): Promise<ActStatus> {
  const status = await followAct(host, cursor, context);
  return { ...status, state: 'interrupted' };
}

/** Follows the act; a cancel that comes meanwhile ends it on the host, unless the step must not be cut. */
async function follow(context: StepContext, host: PreparedHost, cursor: JournalCursor): Promise<ActStatus> {
  const done = new AbortController();
  const watching = cancelWhenAsked(context, host, cursor.key, done.signal);
  try {
    return await followAct(host, cursor, context);
  } finally {
    done.abort();
    await watching;
  }
}

async function cancelWhenAsked(
  { step, clock, isCancelRequested }: StepContext,
  host: PreparedHost,
  key: string,
  done: AbortSignal,
): Promise<void> {
  if (step.kind.uninterruptible !== null) return;
  try {
    while (!isCancelRequested()) await clock.sleep(CANCEL_POLL_MS, done);
    await host.runner.cancel(key);
  } catch {
    // Either the act has ended, or the connection has: then the reattached follow asks again.
  }
}

async function toActFailure(
  context: StepContext,
  ended: ActStatus,
  attempt: number,
): Promise<StepOutcome | null> {
  const { step, session, runId, redaction } = context;
  if (ended.reason === 'cancel') {
    return { kind: 'cancelled' };
  }
  if (ended.exitCode === 0) return null;
  const key = toActKey(runId, step.id, attempt);
  const { host, tail } = await session.use(
    async (prepared) => ({
      host: prepared.connection.name,
      tail: await readTail(prepared, key, ended.sizeBytes, redaction),
    }),
    { isActing: true },
  );
  if (ended.reason === 'timeout') {
    const message = `On ${host}, "${step.title}" did not end within ${step.kind.timeoutS} s and was ended.`;
    return { kind: 'failed', failure: toFailure('step-timeout', message) };
  }
  const exitCode = ended.exitCode ?? 1;
  return { kind: 'failed', failure: toStepFailure({ part: 'act', host, title: step.title, exitCode, tail }) };
}

function toInterrupted({ step }: StepContext): Failure {
  const message = `"${step.title}" was interrupted ${MAX_ACTS} times without a word of how it ended.`;
  return toFailure('host-rebooted', message);
}

/** True for a cause after which the host could not be reached any more. */
export function isUnreachable(code: FailureCode): boolean {
  return ['host-unreachable', 'connection-refused', 'name-not-resolved', 'connection-lost'].includes(code);
}
