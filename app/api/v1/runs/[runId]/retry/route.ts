import { apiRoute, param } from '@/app/api-route';
import { retryRun } from '@/lib/services/runs/retry-run';

export const POST = apiRoute('POST /api/v1/runs/[runId]/retry', { status: 202 }, ({ ctx, params }) =>
  retryRun(ctx, { runId: param(params, 'runId') }),
);
