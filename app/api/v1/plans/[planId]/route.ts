import { apiRoute, param } from '@/app/api-route';
import { getPlan } from '@/lib/services/plans/get-plan';

export const GET = apiRoute('GET /api/v1/plans/[planId]', {}, ({ ctx, params }) =>
  getPlan(ctx, { planId: param(params, 'planId') }),
);
