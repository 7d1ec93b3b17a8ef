import { apiRoute, param } from '@/app/api-route';
import { listRevisions } from '@/lib/services/topology/list-revisions';

export const GET = apiRoute('GET /api/v1/sites/[siteId]/topology/revisions', {}, async ({ ctx, params }) => ({
  revisions: await listRevisions(ctx, { siteId: param(params, 'siteId') }),
}));
