import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { createJob } from '@/lib/services/jobs/create-job';

const Body = z.strictObject({ publicKey: z.string() });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/kubeconfig',
  { body: Body, status: 202 },
  ({ ctx, params, body }) => createJob(ctx, { kind: 'kubeconfig', siteId: param(params, 'siteId'), ...body }),
);
