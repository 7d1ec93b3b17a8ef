import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { retryRun } from '@/lib/services/runs/retry-run';

/** Nothing, or the one host to try again. */
const Body = z.strictObject({ nodeId: z.string().optional() }).default({});

export const POST = apiRoute(
  'POST /api/v1/runs/[runId]/retry',
  { body: Body, status: 202 },
  ({ ctx, params, body }) => retryRun(ctx, { runId: param(params, 'runId'), ...body }),
);
