import { z } from 'zod';
import { apiRoute, param, toJson } from '@/app/api-route';
import { getRevision } from '@/lib/services/topology/get-revision';

const Revision = z.coerce.number().int().min(1).max(2_147_483_647);

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/topology/revisions/[revision]',
  {},
  async ({ ctx, params }) => {
    const revision = Revision.parse(param(params, 'revision'));
    const view = await getRevision(ctx, { siteId: param(params, 'siteId'), revision });
    return toJson(view, { headers: { etag: `"${view.etag}"` } });
  },
);
