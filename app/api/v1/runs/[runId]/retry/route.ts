import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { RunView } from '@/lib/run/run-view';
import { retryRun } from '@/lib/services/runs/retry-run';

/** Nothing, or the one host to try again. */
const Body = z.strictObject({ nodeId: z.string().optional() }).default({});

export const POST = apiRoute(
  'POST /api/v1/runs/[runId]/retry',
  {
    summary: 'Starts the steps of a run that stopped again, of all hosts or of one.',
    body: Body,
    status: 202,
    response: RunView,
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params, body }) => retryRun(ctx, { runId: param(params, 'runId'), ...body }),
);
