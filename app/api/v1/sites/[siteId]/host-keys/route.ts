import { apiRoute, param } from '@/app/api-route';
import { listHostKeys } from '@/lib/services/host-keys/list-host-keys';

export const GET = apiRoute('GET /api/v1/sites/[siteId]/host-keys', {}, async ({ ctx, params }) => ({
  hostKeys: await listHostKeys(ctx, { siteId: param(params, 'siteId') }),
}));
