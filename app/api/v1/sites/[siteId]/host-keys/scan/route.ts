import { apiRoute, param } from '@/app/api-route';
import { createJob } from '@/lib/services/jobs/create-job';

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/host-keys/scan',
  { status: 202 },
  ({ ctx, params }) => createJob(ctx, { kind: 'scan', siteId: param(params, 'siteId') }),
);
