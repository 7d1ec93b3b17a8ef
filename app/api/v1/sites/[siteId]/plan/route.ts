import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { PlanKind } from '@/lib/plan/plan';
import { createJob } from '@/lib/services/jobs/create-job';

const Body = z.strictObject({ kind: PlanKind.default('apply') });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/plan',
  { body: Body, status: 202 },
  ({ ctx, params, body }) =>
    createJob(ctx, { kind: 'plan', siteId: param(params, 'siteId'), planKind: body.kind }),
);
