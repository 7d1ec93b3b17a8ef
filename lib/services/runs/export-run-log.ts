import type { RunEvent } from '@/lib/run/run-event';
import type { ServiceContext } from '../context';
import { findVisibleRun } from './find-visible-run';
import { readEventPage } from './list-run-events';

/** Output of steps as it came; every other event as one line of its type and what it says. */
function toText({ at, body }: RunEvent): string {
  if (body.type === 'step.output') return body.text.endsWith('\n') ? body.text : `${body.text}\n`;
  const { type, ...rest } = body;
  return `--- ${at} ${type} ${JSON.stringify(rest)}\n`;
}

/** The whole log of a run as text, in order, in pieces; one line instead of a log that is no longer kept. */
export async function* exportRunLog(ctx: ServiceContext, input: { runId: string }): AsyncGenerator<string> {
  const { logDroppedAt } = await findVisibleRun(ctx, input.runId);
  if (logDroppedAt) {
    yield `--- The log of this run is no longer kept since ${logDroppedAt.toISOString()}.\n`;
    return;
  }
  let after = 0;
  for (;;) {
    const { events, last, more } = await readEventPage(ctx, input.runId, after, 1_000);
    if (events.length > 0) yield events.map(toText).join('');
    if (!more) return;
    after = last;
  }
}
