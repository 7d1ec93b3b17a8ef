import { apiRoute, param } from '@/app/api-route';
import { PlanView } from '@/lib/plan/plan-view';
import { getPlan } from '@/lib/services/plans/get-plan';

export const GET = apiRoute(
  'GET /api/v1/plans/[planId]',
  {
    summary: 'Gives a plan: its steps in order, file diffs, and whether it may still be run.',
    response: PlanView,
  },
  ({ ctx, params }) => getPlan(ctx, { planId: param(params, 'planId') }),
);
