import { apiRoute, param } from '@/app/api-route';
import { createJob } from '@/lib/services/jobs/create-job';

export const POST = apiRoute('POST /api/v1/sites/[siteId]/preflight', { status: 202 }, ({ ctx, params }) =>
  createJob(ctx, { kind: 'preflight', siteId: param(params, 'siteId') }),
);
