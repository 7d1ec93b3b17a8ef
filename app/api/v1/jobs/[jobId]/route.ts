import { apiRoute, param } from '@/app/api-route';
import { getJob } from '@/lib/services/jobs/get-job';

export const GET = apiRoute('GET /api/v1/jobs/[jobId]', {}, ({ ctx, params }) =>
  getJob(ctx, { jobId: param(params, 'jobId') }),
);
