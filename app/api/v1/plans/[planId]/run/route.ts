import { apiRoute, param } from '@/app/api-route';
import { RunView } from '@/lib/run/run-view';
import { createRun } from '@/lib/services/runs/create-run';

export const POST = apiRoute(
  'POST /api/v1/plans/[planId]/run',
  {
    summary: 'Starts a run of a plan.',
    status: 201,
    response: RunView,
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params }) => createRun(ctx, { planId: param(params, 'planId') }),
);
