import { apiRoute, param } from '@/app/api-route';
import { resumeRun } from '@/lib/services/runs/resume-run';

export const POST = apiRoute('POST /api/v1/runs/[runId]/resume', { status: 202 }, ({ ctx, params }) =>
  resumeRun(ctx, { runId: param(params, 'runId') }),
);
