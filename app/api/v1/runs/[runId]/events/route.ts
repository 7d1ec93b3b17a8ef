import { apiRoute, param } from '@/app/api-route';
import { openStream } from '@/app/api-stream';
import { ListRunEventsInput, listRunEvents } from '@/lib/services/runs/list-run-events';

export const GET = apiRoute('GET /api/v1/runs/[runId]/events', {}, ({ ctx, request, params, query }) => {
  const input = { ...Object.fromEntries(query), runId: param(params, 'runId') };
  const { runId, after } = ListRunEventsInput.parse(input);
  if (!request.headers.get('accept')?.includes('text/event-stream')) return listRunEvents(ctx, input);
  return openStream(ctx, request, [{ kind: 'run', runId, after }]);
});
