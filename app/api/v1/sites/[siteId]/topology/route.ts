import { z } from 'zod';
import { apiRoute, param, toJson } from '@/app/api-route';
import { AppError } from '@/lib/core/errors';
import { getTopology } from '@/lib/services/topology/get-topology';
import { putTopology } from '@/lib/services/topology/put-topology';
import { formatTopology } from '@/lib/topology/format-topology';

const MAX_BYTES = 10 * 1_024 * 1_024;

export const GET = apiRoute('GET /api/v1/sites/[siteId]/topology', {}, async ({ ctx, params, query }) => {
  const siteId = param(params, 'siteId');
  const view = await getTopology(ctx, { siteId });
  const etag = `"${view.etag}"`;
  if (query.get('format') !== 'yaml') return toJson(view, { headers: { etag } });
  return new Response(formatTopology(view.topology), {
    headers: {
      etag,
      'content-type': 'application/yaml; charset=utf-8',
      'cache-control': 'no-store',
      'content-disposition': `attachment; filename="${siteId}-r${view.revision}.yaml"`,
    },
  });
});

export const PUT = apiRoute(
  'PUT /api/v1/sites/[siteId]/topology',
  { body: z.unknown(), maxBytes: MAX_BYTES },
  async ({ ctx, request, params, body }) => {
    const etag = request.headers.get('if-match');
    if (!etag) throw new AppError('precondition-failed', 'Send the ETag that you changed as If-Match.');
    const view = await putTopology(ctx, { siteId: param(params, 'siteId'), topology: body, etag });
    return toJson(view, { headers: { etag: `"${view.etag}"` } });
  },
);
