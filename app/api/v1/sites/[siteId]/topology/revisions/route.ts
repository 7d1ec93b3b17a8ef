import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { listRevisions } from '@/lib/services/topology/list-revisions';
import { RevisionView } from '@/lib/topology/topology-view';

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/topology/revisions',
  {
    summary: 'Lists the revisions of a topology, newest first, at most 500.',
    response: z.object({ revisions: z.array(RevisionView) }),
  },
  async ({ ctx, params }) => ({ revisions: await listRevisions(ctx, { siteId: param(params, 'siteId') }) }),
);
