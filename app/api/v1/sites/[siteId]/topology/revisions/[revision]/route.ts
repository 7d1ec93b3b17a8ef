import { z } from 'zod';
import { apiRoute, param, toJson } from '@/app/api-route';
import { getRevision } from '@/lib/services/topology/get-revision';
import { TopologyView } from '@/lib/topology/topology-view';

const Revision = z.coerce.number().int().min(1).max(2_147_483_647);

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/topology/revisions/[revision]',
  {
    summary: 'Gives one revision of a topology.',
    response: TopologyView,
    responseHeaders: { ETag: 'Hash of the document.' },
  },
  async ({ ctx, params }) => {
    const revision = Revision.parse(param(params, 'revision'));
    const view = await getRevision(ctx, { siteId: param(params, 'siteId'), revision });
    return toJson(view, { headers: { etag: `"${view.etag}"` } });
  },
);
