import { apiRoute, param } from '@/app/api-route';
import { RunView } from '@/lib/run/run-view';
import { resumeRun } from '@/lib/services/runs/resume-run';

export const POST = apiRoute(
  'POST /api/v1/runs/[runId]/resume',
  {
    summary: 'Lets a run go on where the way to a host was cut.',
    status: 202,
    response: RunView,
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params }) => resumeRun(ctx, { runId: param(params, 'runId') }),
);
