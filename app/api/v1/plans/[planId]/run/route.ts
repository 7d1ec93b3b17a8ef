import { apiRoute, param } from '@/app/api-route';
import { createRun } from '@/lib/services/runs/create-run';

export const POST = apiRoute('POST /api/v1/plans/[planId]/run', { status: 201 }, ({ ctx, params }) =>
  createRun(ctx, { planId: param(params, 'planId') }),
);
