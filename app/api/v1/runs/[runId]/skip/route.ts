import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { skipStep } from '@/lib/services/runs/skip-step';

const Body = z.strictObject({ stepId: z.string(), reason: z.string() });

export const POST = apiRoute(
  'POST /api/v1/runs/[runId]/skip',
  { body: Body, status: 202 },
  ({ ctx, params, body }) => skipStep(ctx, { runId: param(params, 'runId'), ...body }),
);
