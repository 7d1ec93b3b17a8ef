import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { PlanKind } from '@/lib/plan/plan';
import { JobView } from '@/lib/run/job-view';
import { createJob } from '@/lib/services/jobs/create-job';

const Body = z.strictObject({ kind: PlanKind.default('apply') });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/plan',
  {
    summary: 'Files a job that reads the hosts and makes a plan.',
    body: Body,
    status: 202,
    response: JobView,
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params, body }) =>
    createJob(ctx, { kind: 'plan', siteId: param(params, 'siteId'), planKind: body.kind }),
);
