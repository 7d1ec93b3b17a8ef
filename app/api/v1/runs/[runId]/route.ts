import { apiRoute, param } from '@/app/api-route';
import { getRun } from '@/lib/services/runs/get-run';

export const GET = apiRoute('GET /api/v1/runs/[runId]', {}, ({ ctx, params }) =>
  getRun(ctx, { runId: param(params, 'runId') }),
);
