import { apiRoute, param } from '@/app/api-route';
import { JobView } from '@/lib/run/job-view';
import { createJob } from '@/lib/services/jobs/create-job';

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/host-keys/scan',
  {
    summary: 'Files a job that reads the host keys, without signing in.',
    status: 202,
    response: JobView,
    errors: ['precondition-failed'],
  },
  ({ ctx, params }) => createJob(ctx, { kind: 'scan', siteId: param(params, 'siteId') }),
);
