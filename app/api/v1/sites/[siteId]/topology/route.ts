import { z } from 'zod';
import { TopologyDocument } from '@/app/api/openapi/shapes';
import { apiRoute, param, toJson } from '@/app/api-route';
import { AppError } from '@/lib/core/errors';
import { getTopology } from '@/lib/services/topology/get-topology';
import { putTopology } from '@/lib/services/topology/put-topology';
import { formatTopology } from '@/lib/topology/format-topology';
import { TopologyView } from '@/lib/topology/topology-view';

const MAX_BYTES = 10 * 1_024 * 1_024;
const ETAG = { ETag: 'Hash of the document, for If-Match.' };

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/topology',
  {
    summary: 'Gives the newest topology, as JSON with its revision or as YAML alone.',
    search: z.object({ format: z.enum(['json', 'yaml']).default('json') }),
    response: TopologyView,
    responseHeaders: ETAG,
    files: { 'application/yaml': 'The document with stable key order, for version control.' },
  },
  async ({ ctx, params, search }) => {
    const siteId = param(params, 'siteId');
    const view = await getTopology(ctx, { siteId });
    const etag = `"${view.etag}"`;
    if (search.format === 'json') return toJson(view, { headers: { etag } });
    return new Response(formatTopology(view.topology), {
      headers: {
        etag,
        'content-type': 'application/yaml; charset=utf-8',
        'cache-control': 'no-store',
        'content-disposition': `attachment; filename="${siteId}-r${view.revision}.yaml"`,
      },
    });
  },
);

export const PUT = apiRoute(
  'PUT /api/v1/sites/[siteId]/topology',
  {
    summary: 'Stores a topology as the next revision, unless somebody else was faster.',
    body: z.unknown(),
    bodyShape: TopologyDocument,
    maxBytes: MAX_BYTES,
    requestHeaders: { 'If-Match': { required: true, words: 'The ETag of the topology that was changed.' } },
    response: TopologyView,
    responseHeaders: ETAG,
    errors: ['precondition-failed', 'conflict'],
  },
  async ({ ctx, request, params, body }) => {
    const etag = request.headers.get('if-match');
    if (!etag) throw new AppError('precondition-failed', 'Send the ETag that you changed as If-Match.');
    const view = await putTopology(ctx, { siteId: param(params, 'siteId'), topology: body, etag });
    return toJson(view, { headers: { etag: `"${view.etag}"` } });
  },
);
