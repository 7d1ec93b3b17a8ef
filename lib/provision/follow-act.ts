import { createHash, type Hash } from 'node:crypto';
import type { EventWriter } from './event-writer';
import { HEAD_BYTES, type ActStatus } from './host-runner';
import type { PreparedHost } from './host-session';
import type { RedactedPart, Redaction } from './redact';
import { notePassed } from './note-passed';

const MAX_TAIL = 8 * 1024;

/** How far the journal of one attempt is in the log; survives losses of the connection. */
export interface JournalCursor {
  readonly stepId: string;
  readonly key: string;
  /** Bytes of the journal that are events already. */
  offset: number;
  /** What came after the log was full. */
  cut: { bytes: number; readonly hash: Hash } | null;
  /** The log says already that the verify has begun. */
  isVerifyNoted: boolean;
}

/** Bytes of output that the run may still store; shared by its steps (RUN_LIMITS.maxLogBytes). */
export interface LogBudget {
  leftBytes: number;
}

export interface FollowOptions {
  readonly writer: EventWriter;
  readonly redaction: Redaction;
  readonly budget: LogBudget;
}

function store(cursor: JournalCursor, part: RedactedPart | null, { writer, budget }: FollowOptions): void {
  if (!part) return;
  const { stepId, offset } = cursor;
  if (cursor.cut === null && part.rawBytes > budget.leftBytes) {
    cursor.cut = { bytes: 0, hash: createHash('sha256') };
  }
  if (cursor.cut) {
    cursor.cut.bytes += part.rawBytes;
    cursor.cut.hash.update(part.raw);
    return;
  }
  const nextOffset = offset + part.rawBytes;
  writer.push(
    { type: 'step.output', stepId, offset, nextOffset, text: part.text },
    { stepId, offset: BigInt(nextOffset) },
  );
  cursor.offset = nextOffset;
  budget.leftBytes -= part.rawBytes;
}

/**
 * Turns the journal from the cursor on into `step.output` events until the act has ended, and says how it ended. Whole
 * lines leave the redaction, so a cursor never stands inside a secret. `head`: the first HEAD_BYTES of the journal
 * of an act that has ended. Rejects with HostError; the cursor then stands behind the last byte that was pushed.
 */
export async function followAct(
  host: PreparedHost,
  cursor: JournalCursor,
  options: FollowOptions,
  known?: { readonly head: Buffer; readonly status: ActStatus },
): Promise<ActStatus> {
  const stream = options.redaction.openStream();
  let offset = cursor.offset + (cursor.cut?.bytes ?? 0);
  let status = known?.status;
  if (known) {
    offset = known.head.length;
    store(cursor, stream.push(known.head), options);
  }
  if (!status || offset >= HEAD_BYTES) {
    status = await host.runner.follow(cursor.key, offset, async (chunk) => {
      store(cursor, stream.push(chunk), options);
      notePassed(chunk.length);
      await options.writer.waitForRoom();
    });
  }
  store(cursor, stream.end(), options);
  return status;
}

/** Says in the log how much of the act's output it does not hold. */
export function noteCut({ stepId, offset, cut }: JournalCursor, writer: EventWriter): void {
  if (!cut) return;
  const sha256 = cut.hash.copy().digest('hex');
  writer.push({ type: 'step.output-cut', stepId, offset, bytes: cut.bytes, sha256 });
}

/** The end of a journal whose bytes are events already, for naming the cause of a failure. */
export async function readTail(
  host: PreparedHost,
  key: string,
  sizeBytes: number,
  redaction: Redaction,
): Promise<string> {
  const chunks: Buffer[] = [];
  await host.runner.follow(key, Math.max(0, sizeBytes - MAX_TAIL), (chunk) => {
    chunks.push(Buffer.from(chunk));
  });
  return redaction.text(Buffer.concat(chunks).toString('utf8'));
}
