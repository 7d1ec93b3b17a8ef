import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { PlanListItem } from '@/lib/plan/plan-view';
import { listPlans } from '@/lib/services/plans/list-plans';

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/plans',
  {
    summary: 'Lists the newest plans of a site, at most 100.',
    response: z.object({ plans: z.array(PlanListItem) }),
  },
  async ({ ctx, params }) => ({ plans: await listPlans(ctx, { siteId: param(params, 'siteId') }) }),
);
