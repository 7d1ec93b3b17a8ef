import { apiRoute, param } from '@/app/api-route';
import { toDownload } from '@/app/download';
import { getSiteBundle } from '@/lib/services/bundle/get-site-bundle';

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/bundle',
  {
    summary:
      'The run-by-hand bundle of the newest revision, from bare hosts on: files, scripts, checks, order.',
    files: { 'application/gzip': 'a tar archive with one folder; the same revision gives the same bytes' },
    errors: ['not-found', 'precondition-failed', 'too-many'],
  },
  async ({ ctx, params }) => {
    const { bytes, fileName } = await getSiteBundle(ctx, { siteId: param(params, 'siteId') });
    return toDownload(new Uint8Array(bytes), { type: 'application/gzip', fileName });
  },
);
