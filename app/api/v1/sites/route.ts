import { z } from 'zod';
import { TopologyDocument } from '@/app/api/openapi/shapes';
import { apiRoute } from '@/app/api-route';
import { CreateSiteInput, createSite } from '@/lib/services/sites/create-site';
import { listSites } from '@/lib/services/sites/list-sites';
import { SiteView } from '@/lib/topology/site-view';
import { TopologyView } from '@/lib/topology/topology-view';

const MAX_BYTES = 10 * 1_024 * 1_024;

export const GET = apiRoute(
  'GET /api/v1/sites',
  { summary: 'Lists the sites that you may see.', response: z.object({ sites: z.array(SiteView) }) },
  async ({ ctx }) => ({ sites: await listSites(ctx) }),
);

export const POST = apiRoute(
  'POST /api/v1/sites',
  {
    summary: 'Creates a site with its first topology revision.',
    body: z.unknown(),
    bodyShape: CreateSiteInput.extend({ topology: TopologyDocument.optional() }),
    maxBytes: MAX_BYTES,
    status: 201,
    response: TopologyView,
    errors: ['conflict'],
  },
  ({ ctx, body }) => createSite(ctx, body),
);
