import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { SiteSecretView } from '@/lib/render/site-secret';
import { listSiteSecrets } from '@/lib/services/site-secrets/list-site-secrets';

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/secrets',
  {
    summary: 'Lists the secrets that a person brings for a site: which are set, since when, never a value.',
    response: z.object({ secrets: z.array(SiteSecretView) }),
  },
  async ({ ctx, params }) => ({ secrets: await listSiteSecrets(ctx, { siteId: param(params, 'siteId') }) }),
);
