import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { SiteNowBody } from '@/lib/health/site-now';
import { getSiteNow } from '@/lib/services/health/get-site-now';

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/health',
  {
    summary: 'Gives what was last seen of a site, or null before the first sample; mind its age.',
    response: z.object({ now: SiteNowBody.nullable() }),
  },
  async ({ ctx, params }) => ({ now: await getSiteNow(ctx, { siteId: param(params, 'siteId') }) }),
);
