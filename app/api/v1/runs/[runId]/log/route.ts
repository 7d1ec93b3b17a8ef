import { apiRoute, param } from '@/app/api-route';
import { getRun } from '@/lib/services/runs/get-run';
import { exportRunLog } from '@/lib/services/runs/export-run-log';
import { toTextStream } from '@/app/text-stream';

export const GET = apiRoute(
  'GET /api/v1/runs/[runId]/log',
  {
    summary: 'Gives the whole log of a run as text.',
    files: { 'text/plain': 'Output of the steps in order, with a line for every other event.' },
  },
  async ({ ctx, params }) => {
    const { id } = await getRun(ctx, { runId: param(params, 'runId') });
    return toTextStream(exportRunLog(ctx, { runId: id }), { type: 'text/plain', fileName: `${id}.log` });
  },
);
