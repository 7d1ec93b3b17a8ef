import { z } from 'zod';
import { apiRoute } from '@/app/api-route';
import { HistoryCut, RunView } from '@/lib/run/run-view';
import { ListRunsInput, listRuns } from '@/lib/services/runs/list-runs';

const Page = z.object({
  runs: z.array(RunView),
  next: z.string().nullable().describe('Send it as `before` for the following page.'),
  limits: z.record(z.string(), z.int()),
  cut: HistoryCut.nullable(),
});

export const GET = apiRoute(
  'GET /api/v1/runs',
  { summary: 'Lists the runs that you may see, newest first.', search: ListRunsInput, response: Page },
  ({ ctx, search }) => listRuns(ctx, search),
);
