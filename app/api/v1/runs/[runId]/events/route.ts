import { z } from 'zod';
import { RunEvent } from '@/app/api/openapi/shapes';
import { apiRoute, param } from '@/app/api-route';
import { openStream } from '@/app/api-stream';
import { ListRunEventsInput, listRunEvents } from '@/lib/services/runs/list-run-events';

const Page = z.object({
  events: z.array(RunEvent),
  last: z.int().describe('Send it as `after` for the following page.'),
  more: z.boolean(),
});

export const GET = apiRoute(
  'GET /api/v1/runs/[runId]/events',
  {
    summary: 'Gives a part of the log of a run, or follows it where an event stream is asked for.',
    search: ListRunEventsInput.omit({ runId: true }),
    requestHeaders: {
      Accept: { required: false, words: 'text/event-stream follows the log from `after` on.' },
      'Last-Event-ID': { required: false, words: 'Goes on after the last event that was received.' },
    },
    response: Page,
    files: { 'text/event-stream': 'Events hello, run, run-events (a part of the log), tick and end.' },
  },
  ({ ctx, request, params, search }) => {
    const runId = param(params, 'runId');
    if (!request.headers.get('accept')?.includes('text/event-stream'))
      return listRunEvents(ctx, { ...search, runId });
    return openStream(ctx, request, [{ kind: 'run', runId: runId, after: search.after }]);
  },
);
