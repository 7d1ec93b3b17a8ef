import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { approveHostKey } from '@/lib/services/host-keys/approve-host-key';

const Body = z.strictObject({ node: z.string(), fingerprint: z.string(), hop: z.string().optional() });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/host-keys/approve',
  { body: Body },
  ({ ctx, params, body }) =>
    approveHostKey(ctx, {
      siteId: param(params, 'siteId'),
      nodeId: body.node,
      fingerprint: body.fingerprint,
      hop: body.hop,
    }),
);
