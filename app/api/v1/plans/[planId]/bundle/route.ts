import { apiRoute, param } from '@/app/api-route';
import { toDownload } from '@/app/download';
import { getPlanBundle } from '@/lib/services/bundle/get-plan-bundle';

export const GET = apiRoute(
  'GET /api/v1/plans/[planId]/bundle',
  {
    summary: 'The run-by-hand bundle of one plan: its steps as scripts, files, checks, order.',
    files: { 'application/gzip': 'a tar archive with one folder; the same plan gives the same bytes' },
    errors: ['not-found', 'conflict', 'too-many'],
  },
  async ({ ctx, params }) => {
    const { bytes, fileName } = await getPlanBundle(ctx, { planId: param(params, 'planId') });
    return toDownload(new Uint8Array(bytes), { type: 'application/gzip', fileName });
  },
);
