import { apiRoute, param } from '@/app/api-route';
import { CheckOverrideView } from '@/lib/run/preflight-view';
import { revokeOverride } from '@/lib/services/preflight/revoke-override';

export const DELETE = apiRoute(
  'DELETE /api/v1/sites/[siteId]/checks/overrides/[overrideId]',
  {
    summary: 'Takes an override back, so that its failing check stands in the way again.',
    response: CheckOverrideView,
    errors: ['conflict'],
  },
  ({ ctx, params }) =>
    revokeOverride(ctx, { siteId: param(params, 'siteId'), overrideId: param(params, 'overrideId') }),
);
