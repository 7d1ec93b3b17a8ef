import type { RunTail } from '@/components/live/run-tail';
import type { RunEvent } from '@/lib/run/run-event';
import type { ServiceContext } from '@/lib/services/context';
import { listRunEvents } from '@/lib/services/runs/list-run-events';

const NOTES_AT_ONCE = 5_000;
const MAX_SEQ = 2_147_483_647;

/** What a run's page brings along of its log: the end, and every note; the stream goes on after its last event. */
export async function readTail(ctx: ServiceContext, runId: string): Promise<RunTail> {
  const { events: newest, last } = await listRunEvents(ctx, { runId, before: MAX_SEQ });
  const notes: RunEvent[] = [];
  for (let after = 0; after < last;) {
    const page = await listRunEvents(ctx, { runId, after, only: 'notes', limit: NOTES_AT_ONCE });
    notes.push(...page.events.filter(({ seq }) => seq <= last));
    if (!page.more) break;
    after = page.last;
  }
  return { notes, newest, last };
}
