import { apiRoute, param } from '@/app/api-route';
import { listPlans } from '@/lib/services/plans/list-plans';

export const GET = apiRoute('GET /api/v1/sites/[siteId]/plans', {}, async ({ ctx, params }) => ({
  plans: await listPlans(ctx, { siteId: param(params, 'siteId') }),
}));
