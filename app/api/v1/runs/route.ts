import { apiRoute } from '@/app/api-route';
import { ListRunsInput, listRuns } from '@/lib/services/runs/list-runs';

export const GET = apiRoute('GET /api/v1/runs', {}, ({ ctx, query }) =>
  listRuns(ctx, ListRunsInput.parse(Object.fromEntries(query))),
);
