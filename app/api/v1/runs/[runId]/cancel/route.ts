import { apiRoute, param } from '@/app/api-route';
import { RunView } from '@/lib/run/run-view';
import { cancelRun } from '@/lib/services/runs/cancel-run';

export const POST = apiRoute(
  'POST /api/v1/runs/[runId]/cancel',
  {
    summary: 'Asks for the end of a run; asking twice is asking once.',
    status: 202,
    response: RunView,
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params }) => cancelRun(ctx, { runId: param(params, 'runId') }),
);
