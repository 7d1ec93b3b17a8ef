import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { JobView } from '@/lib/run/job-view';
import { createJob } from '@/lib/services/jobs/create-job';

const Body = z.strictObject({
  publicKey: z.string().describe('Your one-time P-256 key: the uncompressed point in base64.'),
});

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/kubeconfig',
  {
    summary: 'Files a job that reads the kubeconfig and seals it to your one-time key.',
    body: Body,
    status: 202,
    response: JobView,
    errors: ['precondition-failed'],
  },
  ({ ctx, params, body }) => createJob(ctx, { kind: 'kubeconfig', siteId: param(params, 'siteId'), ...body }),
);
