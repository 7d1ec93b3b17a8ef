import { z } from 'zod';
import { readRunEvents } from '@/lib/db/run-log';
import type { RunEvent } from '@/lib/run/run-event';
import type { ServiceContext } from '../context';
import { parseInput } from '../parse-input';
import { findVisibleRun } from './find-visible-run';

export const ListRunEventsInput = z.strictObject({
  runId: z.string(),
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(5_000).default(1_000),
});

export interface RunEventPage {
  readonly events: RunEvent[];
  /** Number of the last event in this page, or `after` when it is empty. */
  readonly last: number;
  readonly more: boolean;
}

/** Events of a run with a number above `after`, in order. */
export async function listRunEvents(
  ctx: ServiceContext,
  input: z.input<typeof ListRunEventsInput>,
): Promise<RunEventPage> {
  const { runId, after, limit } = parseInput(ListRunEventsInput, input);
  await findVisibleRun(ctx, runId);
  return readEventPage(ctx, runId, after, limit);
}

/** The same for callers that have authorised. */
export async function readEventPage(
  ctx: ServiceContext,
  runId: string,
  after: number,
  limit: number,
): Promise<RunEventPage> {
  const rows = await readRunEvents(ctx.db, runId, after, limit + 1);
  const events = rows.slice(0, limit);
  return { events, last: events.at(-1)?.seq ?? after, more: rows.length > limit };
}
