import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { RunView } from '@/lib/run/run-view';
import { skipStep } from '@/lib/services/runs/skip-step';

const Body = z.strictObject({ stepId: z.string(), reason: z.string() });

export const POST = apiRoute(
  'POST /api/v1/runs/[runId]/skip',
  {
    summary: 'Leaves out the step that stopped a run, for a reason that goes into the audit.',
    body: Body,
    status: 202,
    response: RunView,
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params, body }) => skipStep(ctx, { runId: param(params, 'runId'), ...body }),
);
