import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { HostKeyView } from '@/lib/access/host-key-view';
import { listHostKeys } from '@/lib/services/host-keys/list-host-keys';

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/host-keys',
  {
    summary: 'Lists the host keys seen on the hosts of a site.',
    response: z.object({ hostKeys: z.array(HostKeyView) }),
  },
  async ({ ctx, params }) => ({ hostKeys: await listHostKeys(ctx, { siteId: param(params, 'siteId') }) }),
);
