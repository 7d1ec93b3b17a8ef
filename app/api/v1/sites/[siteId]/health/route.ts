import { apiRoute, param } from '@/app/api-route';
import { getSiteNow } from '@/lib/services/health/get-site-now';

export const GET = apiRoute('GET /api/v1/sites/[siteId]/health', {}, async ({ ctx, params }) => ({
  now: await getSiteNow(ctx, { siteId: param(params, 'siteId') }),
}));
