import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { setFence } from '@/lib/services/nodes/set-fence';

const Body = z.strictObject({ epoch: z.string().describe('The epoch that the host reported, decimal.') });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/nodes/[nodeId]/fence',
  {
    summary: 'Lets work go on on a host whose fence is newer than the database, after a restore.',
    body: Body,
    response: z.object({ epoch: z.string() }),
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params, body }) =>
    setFence(ctx, { siteId: param(params, 'siteId'), nodeId: param(params, 'nodeId'), epoch: body.epoch }),
);
