import { apiRoute, param } from '@/app/api-route';
import { PreflightView } from '@/lib/run/preflight-view';
import { getChecks } from '@/lib/services/preflight/get-checks';

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/checks',
  {
    summary:
      'Reads the checks of a site as they stand: cells, overrides, and what stands in the way of a run.',
    response: PreflightView,
  },
  ({ ctx, params }) => getChecks(ctx, { siteId: param(params, 'siteId') }),
);
