import { apiRoute, param } from '@/app/api-route';
import { JobView } from '@/lib/run/job-view';
import { getJob } from '@/lib/services/jobs/get-job';

export const GET = apiRoute(
  'GET /api/v1/jobs/[jobId]',
  { summary: 'Gives a job with its progress, and its result once it is done.', response: JobView },
  ({ ctx, params }) => getJob(ctx, { jobId: param(params, 'jobId') }),
);
