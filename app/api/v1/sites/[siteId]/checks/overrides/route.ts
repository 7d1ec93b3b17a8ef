import { apiRoute, param } from '@/app/api-route';
import { CheckOverrideView } from '@/lib/run/preflight-view';
import { overrideCheck, OverrideInput } from '@/lib/services/preflight/override-check';

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/checks/overrides',
  {
    summary: 'Lets one failing check of one node pass for the next run, with a reason.',
    body: OverrideInput.omit({ siteId: true }),
    status: 201,
    response: CheckOverrideView,
    errors: ['conflict'],
  },
  ({ ctx, params, body }) => overrideCheck(ctx, { ...body, siteId: param(params, 'siteId') }),
);
