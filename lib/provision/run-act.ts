import { toShellAssignments } from '@/lib/core/shell-quote';
import { HostError } from '@/lib/ssh/host-error';
import type { ScriptResult } from '@/lib/ssh/framed-shell';
import { followAct, noteCut, type JournalCursor } from './follow-act';
import { toActKey, type Act, type ActStatus, type Performed } from './host-runner';
import { StepCancelledError, type PreparedHost } from './host-session';
import type { StepContext } from './step-context';

const CANCEL_POLL_MS = 200;
/** An act that is over within this time is heard of once, at its end; a longer one is followed meanwhile. */
const QUICK_MS = 100;
const LOOK_AGAIN_MS = 50;

/** How an act ended, as far as one knows. */
export interface ActEnd {
  readonly status: ActStatus;
  /** The verify, where the call that started the act has done it as well. */
  readonly verified: ScriptResult | null;
  /** The log says already that the verify has begun. */
  readonly isVerifyNoted: boolean;
}

function toCursor({ runId, step }: StepContext, attempt: number, offset: number): JournalCursor {
  return { stepId: step.id, key: toActKey(runId, step.id, attempt), offset, cut: null, isVerifyNoted: false };
}

function toAct({ step }: StepContext, key: string): Act {
  return {
    key,
    params: toShellAssignments(step.variables),
    script: step.kind.act,
    verify: step.kind.verify,
    input: step.payload,
    limitS: step.kind.timeoutS,
  };
}

/**
 * Starts the act under this attempt's key and stays with it to its end; after a loss of the link it is found again.
 * Rejects with StepCancelledError where a cancel was acknowledged before.
 */
export async function runAct(context: StepContext, attempt: number): Promise<ActEnd> {
  const { step, session, writer } = context;
  const stepId = step.id;
  // Before the host hears of it: whoever comes after us knows this attempt's key, and a cancel has the last word.
  const mayStart = await writer.storeStart(
    { type: 'step.act-started', stepId, attempt },
    { stepId, state: 'acting', attempt, offset: 0n },
  );
  if (!mayStart) throw new StepCancelledError();
  const cursor = toCursor(context, attempt, 0);
  let isFirst = true;
  const end = await session.use(
    async (host) => {
      const isAgain = !isFirst;
      isFirst = false;
      return withCancel(context, host, cursor, () => attend(context, host, cursor, isAgain));
    },
    { isActing: true },
  );
  noteCut(cursor, writer);
  return end;
}

/**
 * An act that an earlier worker left on the host: whatever became of it meanwhile is taken up, nothing is started.
 * `offset` is how much of its journal is in the log.
 */
export async function takeUpAct(context: StepContext, attempt: number, offset: number): Promise<ActEnd> {
  const cursor = toCursor(context, attempt, offset);
  const status = await context.session.use(
    async (host): Promise<ActStatus> => {
      const found = await host.runner.status(cursor.key);
      if (found.state === 'absent' || found.state === 'ready') return { ...found, state: 'absent' };
      noteReattached(context, cursor);
      return withCancel(context, host, cursor, () => followAct(host, cursor, context));
    },
    { isActing: true },
  );
  noteCut(cursor, context.writer);
  return { status, verified: null, isVerifyNoted: false };
}

function noteReattached({ writer, step }: StepContext, { offset }: JournalCursor): void {
  const stepId = step.id;
  writer.push({ type: 'step.reattached', stepId, offset }, { stepId, state: 'acting' });
}

/** Says in the log that the step's effect is now looked for on its host. */
export function noteVerifying({ writer, step }: StepContext): void {
  const stepId = step.id;
  writer.push({ type: 'step.verifying', stepId }, { stepId, state: 'verifying' });
}

const isOver = ({ state }: ActStatus) => state === 'finished' || state === 'interrupted';

/** One call starts the act, waits and verifies; if that takes longer, the journal is followed beside it. */
async function attend(
  context: StepContext,
  host: PreparedHost,
  cursor: JournalCursor,
  isAgain: boolean,
): Promise<ActEnd> {
  const performing = host.runner.perform(toAct(context, cursor.key));
  const quick = await withinMs(context, performing, QUICK_MS);
  if (quick === null) return followBeside(context, host, cursor, performing);
  const { status, head, verified } = quick;
  if (head === null && isAgain) noteReattached(context, cursor);
  const known = head === null ? undefined : { head, status };
  const end = await followAct(host, cursor, context, known);
  return { status: end, verified, isVerifyNoted: cursor.isVerifyNoted };
}

async function followBeside(
  context: StepContext,
  host: PreparedHost,
  cursor: JournalCursor,
  performing: Promise<Performed>,
): Promise<ActEnd> {
  let isPerforming = true;
  const stop = () => {
    isPerforming = false;
  };
  performing.then(stop, stop);
  const following = followOnceThere(context, host, cursor, () => isPerforming).then((status) => {
    const hasEndedWell = status.state === 'finished' && status.exitCode === 0 && status.reason === 'exit';
    // Once per attempt: the link may be lost between this and the end of the verify.
    if (hasEndedWell && !cursor.isVerifyNoted) {
      cursor.isVerifyNoted = true;
      noteVerifying(context);
    }
    return status;
  });
  // Both: while one of them lives it moves the cursor.
  const [performed, followed] = await Promise.allSettled([performing, following]);
  if (performed.status === 'rejected') throw performed.reason;
  if (followed.status === 'rejected') throw followed.reason;
  const { verified } = performed.value;
  // It looked before the act was there: now it is.
  const status = isOver(followed.value) ? followed.value : await followAct(host, cursor, context);
  return { status, verified, isVerifyNoted: cursor.isVerifyNoted };
}

/** Follows the act; on a busy host it may take a moment until there is something to follow. */
async function followOnceThere(
  context: StepContext,
  host: PreparedHost,
  cursor: JournalCursor,
  isPerforming: () => boolean,
): Promise<ActStatus> {
  for (;;) {
    const status = await followAct(host, cursor, context);
    if (isOver(status) || !isPerforming()) return status;
    await context.clock.sleep(LOOK_AGAIN_MS);
  }
}

/** What the promise gives within that time, else null; rejects as it does. */
async function withinMs<T>({ clock }: StepContext, work: Promise<T>, limitMs: number): Promise<T | null> {
  const done = new AbortController();
  const late = clock.sleep(limitMs, done.signal).then(
    () => null,
    () => null,
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

async function withCancel<T>(
  context: StepContext,
  host: PreparedHost,
  cursor: JournalCursor,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const watching = cancelWhenAsked(context, host, cursor.key, over.signal);
  try {
    return await work();
  } finally {
    over.abort();
    await watching;
  }
}

/** Waits for the wish to cancel and ends the act on the host, again and again while the link stands; never rejects. */
async function cancelWhenAsked(
  { step, clock, writer, isCancelRequested, deferrals }: StepContext,
  host: PreparedHost,
  key: string,
  over: AbortSignal,
): Promise<void> {
  try {
    while (!isCancelRequested()) await clock.sleep(CANCEL_POLL_MS, over);
    const reason = step.kind.uninterruptible;
    if (reason !== null) {
      if (!deferrals.has(step.id)) writer.push({ type: 'step.cancel-deferred', stepId: step.id, reason });
      deferrals.add(step.id);
      return;
    }
    while (!(await hasCancelled(host, key))) await clock.sleep(CANCEL_POLL_MS, over);
  } catch {
    // Either the act has ended, or the connection has: then the act that is followed again is cancelled again.
  }
}

/** False when the act was not there yet, or when the host could not do it this time. */
async function hasCancelled(host: PreparedHost, key: string): Promise<boolean> {
  try {
    return (await host.runner.cancel(key)).state !== 'absent';
  } catch (error) {
    if (error instanceof HostError && error.code !== 'connection-lost' && error.code !== 'stale-epoch')
      return false;
    throw error;
  }
}
