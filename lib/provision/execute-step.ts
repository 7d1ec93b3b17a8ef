import type { Failure } from '@/lib/core/failure';
import type { RunStepRow } from '@/lib/db/run-log';
import type { ScriptResult } from '@/lib/ssh/framed-shell';
import { parseStepOutputs } from '@/lib/steps/script-output';
import { PROBE_NEEDED, PROBE_SATISFIED } from '@/lib/steps/step-kind';
import { readTail } from './follow-act';
import { toActKey, type ActStatus } from './host-runner';
import { StepCancelledError } from './host-session';
import { noteVerifying, runAct, takeUpAct, type ActEnd } from './run-act';
import { sendArtifact } from './send-artifact';
import type { StepContext } from './step-context';
import { toFailure, toStepFailure } from './step-failure';

const CHECK_TIMEOUT_MS = 180_000;
/** An act that ends without saying how (reboot, kill) is tried again, after a probe, this many times in all. */
const MAX_ACTS = 3;

export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** Interrupted again and again: a person must look. */
  | { readonly kind: 'needs-attention'; readonly failure: Failure };

/**
 * One step on one host, from wherever its row says it is:
 *
 *   waiting ─▶ probing ──already so──────────────▶ done
 *                │ needed       ┌─ interrupted: next attempt, probe again
 *                ▼              │
 *              acting ──exit 0──┴▶ verifying ─────▶ done
 *                └─ exit, timeout, cancel ────────▶ failed, cancelled
 *
 * Acting is only ever entered through a probe, or by taking up an act that is on the host. An act starts only when its
 * beginning is durable, so the row is never behind the host but where the database lost a commit. Rejects with
 * HostError when the host could not be worked on, StepCancelledError, StaleEpochError, or the signal's reason.
 */
export async function executeStep(context: StepContext, row: RunStepRow): Promise<StepOutcome> {
  if (row.state === 'waiting' && row.attempt === 0) start(context, 1);
  const found = row.state === 'verifying' ? null : await findAct(context, row);
  let acts = found ?? row.attempt;
  let ended: ActEnd | null = null;
  if (found !== null) ended = await takeUpAct(context, found, found === row.attempt ? Number(row.offset) : 0);
  else if (row.state === 'waiting' && row.attempt > 0) start(context, acts + 1);
  for (;;) {
    if (ended?.status.state === 'interrupted') {
      if (acts >= row.attempt + MAX_ACTS) return { kind: 'needs-attention', failure: toInterrupted(context) };
      start(context, acts + 1);
    }
    if (row.state !== 'verifying' && ended?.status.state !== 'finished') {
      const satisfied = await probe(context, acts);
      if (satisfied !== null) return satisfied;
      if (context.isCancelRequested()) throw new StepCancelledError();
      const step = await sendArtifact(context);
      acts = ended?.status.state === 'absent' ? acts : acts + 1;
      ended = await runAct({ ...context, step }, acts);
      if (ended.status.state === 'interrupted') continue;
    }
    const failed = ended ? await toActFailure(context, ended.status, acts) : null;
    if (failed) return failed;
    if (!ended?.isVerifyNoted) noteVerifying(context);
    return verify(context, ended?.verified ?? null);
  }
}

function start({ step, writer }: StepContext, attempt: number): void {
  writer.push(
    { type: 'step.started', stepId: step.id, attempt },
    { stepId: step.id, state: 'probing', started: true },
  );
}

/**
 * The attempt whose act is to be taken up from the host, or null. The host knows best: a database that failed over or
 * was restored may have lost the record of an act that was started.
 */
async function findAct(
  { session, runId, step, writer }: StepContext,
  row: RunStepRow,
): Promise<number | null> {
  return session.use(async ({ runner }) => {
    const attempt = row.attempt + 1;
    if (runner.foundKeys.has(toActKey(runId, step.id, attempt))) {
      writer.push(
        { type: 'step.act-started', stepId: step.id, attempt },
        { stepId: step.id, state: 'acting', attempt, offset: 0n },
      );
      return attempt;
    }
    if (row.state === 'acting') return row.attempt;
    // A retried step whose last act was given up while its host was out of reach may still be at work there.
    const key = toActKey(runId, step.id, row.attempt);
    const isRunning =
      row.state === 'waiting' && runner.foundKeys.has(key) && (await runner.status(key)).state === 'running';
    return isRunning ? row.attempt : null;
  });
}

/** A probe or verify: changes nothing, so it is simply done again after a loss of the connection. */
function check({ step, session }: StepContext, part: 'probe' | 'verify'): Promise<ScriptResult> {
  const call = { script: step.kind[part], variables: step.variables, timeoutMs: CHECK_TIMEOUT_MS };
  return session.use(({ shell }) => shell.run(call));
}

function nameOf({ session, step }: StepContext): string {
  return session.connected?.connection.name ?? step.nodeId;
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
  const { exitCode } = result;
  const failure = toStepFailure({
    part: 'probe',
    host: nameOf(context),
    title: step.title,
    exitCode,
    tail: toTail(context, result),
  });
  return { kind: 'failed', failure };
}

async function verify(context: StepContext, done: ScriptResult | null): Promise<StepOutcome> {
  const result = done ?? (await check(context, 'verify'));
  if (result.exitCode === 0) return finish(context, 'done', result);
  const { exitCode } = result;
  const tail = toTail(context, result);
  const { title } = context.step;
  const host = nameOf(context);
  return { kind: 'failed', failure: toStepFailure({ part: 'verify', host, title, exitCode, tail }) };
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

function toInterrupted({ step, session }: StepContext): Failure {
  const host = session.connected?.connection.name;
  const message = `${host ? `On ${host}, ` : ''}"${step.title}" was interrupted ${MAX_ACTS} times without a word of how it ended.`;
  return toFailure('host-rebooted', message);
}
