import { apiRoute, param } from '@/app/api-route';
import { RunView } from '@/lib/run/run-view';
import { getRun } from '@/lib/services/runs/get-run';

export const GET = apiRoute(
  'GET /api/v1/runs/[runId]',
  { summary: 'Gives a run as it is now.', response: RunView },
  ({ ctx, params }) => getRun(ctx, { runId: param(params, 'runId') }),
);
