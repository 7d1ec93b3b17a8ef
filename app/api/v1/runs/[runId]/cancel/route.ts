import { apiRoute, param } from '@/app/api-route';
import { cancelRun } from '@/lib/services/runs/cancel-run';

export const POST = apiRoute('POST /api/v1/runs/[runId]/cancel', { status: 202 }, ({ ctx, params }) =>
  cancelRun(ctx, { runId: param(params, 'runId') }),
);
