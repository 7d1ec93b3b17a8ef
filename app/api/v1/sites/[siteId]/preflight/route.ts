import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { JobView } from '@/lib/run/job-view';
import { createJob } from '@/lib/services/jobs/create-job';

/** Only these cells again; without a body, or with an empty one, all checks on all hosts. */
const Body = z
  .strictObject({
    nodeIds: z.array(z.string()).min(1).optional(),
    checkIds: z.array(z.string()).min(1).optional(),
  })
  .default({});

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/preflight',
  {
    summary: 'Files a job that checks the hosts of a site, all of them or some cells again.',
    body: Body,
    status: 202,
    response: JobView,
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params, body: { nodeIds, checkIds } }) =>
    createJob(ctx, {
      kind: 'preflight',
      siteId: param(params, 'siteId'),
      ...(nodeIds && { nodeIds }),
      ...(checkIds && { checkIds }),
    }),
);
