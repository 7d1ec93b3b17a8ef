import type { EventWriter } from './event-writer';
import type { ActStatus } from './host-runner';
import type { PreparedHost } from './host-session';
import type { RedactedPart, Redaction } from './redact';

const MAX_TAIL = 8 * 1024;

/** How far the journal of one attempt is in the log; survives losses of the connection. */
export interface JournalCursor {
  readonly stepId: string;
  readonly key: string;
  /** Bytes of the journal that are events already. */
  offset: number;
}

/**
 * Turns the journal from the cursor on into `step.output` events until the act has ended, and says how it ended. Whole
 * lines leave the redaction, so a cursor never stands inside a secret. Rejects with HostError; the cursor then
 * stands behind the last byte that was pushed.
 */
export async function followAct(
  host: PreparedHost,
  cursor: JournalCursor,
  options: { readonly writer: EventWriter; readonly redaction: Redaction },
): Promise<ActStatus> {
  const { writer, redaction } = options;
  const stream = redaction.openStream();
  const emit = (part: RedactedPart | null) => {
    if (!part) return;
    const { stepId, offset } = cursor;
    const nextOffset = offset + part.rawBytes;
    writer.push(
      { type: 'step.output', stepId, offset, nextOffset, text: part.text },
      { stepId, offset: BigInt(nextOffset) },
    );
    cursor.offset = nextOffset;
  };
  const status = await host.runner.follow(cursor.key, cursor.offset, async (chunk) => {
    emit(stream.push(chunk));
    await writer.waitForRoom();
  });
  emit(stream.end());
  return status;
}

/** The end of a journal whose bytes are events already, for naming the cause of a failure found after a take-over. */
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
