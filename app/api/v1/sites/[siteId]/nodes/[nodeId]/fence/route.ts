import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { setFence } from '@/lib/services/nodes/set-fence';

const Body = z.strictObject({ epoch: z.string() });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/nodes/[nodeId]/fence',
  { body: Body },
  ({ ctx, params, body }) =>
    setFence(ctx, { siteId: param(params, 'siteId'), nodeId: param(params, 'nodeId'), epoch: body.epoch }),
);
