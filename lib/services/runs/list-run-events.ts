import { z } from 'zod';
import { RunEventBody, type RunEvent } from '@/lib/run/run-event';
import type { ServiceContext } from '../context';
import { parseInput } from '../parse-input';
import { findVisibleRun } from './find-visible-run';

/** Numbers of events are 32-bit in the database. */
const Seq = z.coerce.number().int().min(0).max(2_147_483_647);
/** A page ends early beyond this much text, bytes, so that no reader has to hold a flood. */
const PAGE_BYTES = 512 * 1_024;

export const ListRunEventsInput = z.strictObject({
  runId: z.string(),
  /** Events with a number above this one, the oldest first. */
  after: Seq.default(0),
  /** With it: the newest events below this number instead, still in order. */
  before: Seq.optional(),
  limit: z.coerce.number().int().min(1).max(5_000).default(1_000),
  /** Only events of this step. */
  step: z.string().max(64).optional(),
  /** Only events whose text holds this, upper and lower case alike. */
  contains: z.string().min(1).max(200).optional(),
  /** `notes`: everything but the hosts' output, which is what a summary of the run needs. */
  only: z.enum(['notes']).optional(),
});

export interface RunEventPage {
  readonly events: RunEvent[];
  /** Number of the last event in this page, or `after` when it is empty. */
  readonly last: number;
  /** True when there is more in the direction that was asked for. */
  readonly more: boolean;
}

/** A part of a run's log, in order: up from `after`, or down from `before`; at most about 512 KiB of it. */
export async function listRunEvents(
  ctx: ServiceContext,
  input: z.input<typeof ListRunEventsInput>,
): Promise<RunEventPage> {
  const { runId, ...rest } = parseInput(ListRunEventsInput, input);
  await findVisibleRun(ctx, runId);
  return readPart(ctx, runId, rest);
}

/** Events above `after` for callers that have authorised. */
export async function readEventPage(
  ctx: ServiceContext,
  runId: string,
  after: number,
  limit: number,
): Promise<RunEventPage> {
  return readPart(ctx, runId, { after, limit });
}

type Part = Omit<z.output<typeof ListRunEventsInput>, 'runId'>;

const NEWER = partSql('ASC');
const OLDER = partSql('DESC');

/** The length is known without reading a large body; so a page's rows are chosen before their text is fetched. */
function partSql(order: 'ASC' | 'DESC'): string {
  const where = `run_id = $1 AND seq > $2 AND seq < COALESCE($3, 2147483648)
                 AND ($5::text IS NULL OR step_id = $5) AND NOT ($6 AND type = 'step.output')
                 AND ($7::text IS NULL OR position($7 IN lower(body)) > 0)`;
  return `SELECT seq, at, body, found FROM (
            SELECT seq, at, body, count(*) OVER () AS found,
                   sum(octet_length(body)) OVER (ORDER BY seq ${order}) - octet_length(body) AS bytes_before
              FROM (SELECT seq, at, body FROM run_event WHERE ${where} ORDER BY seq ${order} LIMIT $4) AS part
          ) AS sized WHERE bytes_before < ${PAGE_BYTES} ORDER BY seq ${order}`;
}

async function readPart(ctx: ServiceContext, runId: string, part: Part): Promise<RunEventPage> {
  const { after, before, limit, step, contains, only } = part;
  // Bodies are JSON texts, so what is looked for is escaped as it is there.
  const wanted = contains === undefined ? null : JSON.stringify(contains.toLowerCase()).slice(1, -1);
  const { rows } = await ctx.db.pool.query<{ seq: number; at: Date; body: string; found: string }>(
    before === undefined ? NEWER : OLDER,
    [runId, after, before ?? null, limit + 1, step ?? null, only === 'notes', wanted],
  );
  const events = rows.slice(0, limit).map(({ seq, at, body }) => ({
    seq,
    at: at.toISOString(),
    body: RunEventBody.parse(JSON.parse(body)),
  }));
  const more = events.length < Number(rows[0]?.found ?? 0);
  if (before !== undefined) events.reverse();
  return { events, last: events.at(-1)?.seq ?? after, more };
}
