import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { HostKeyView } from '@/lib/access/host-key-view';
import { approveHostKey } from '@/lib/services/host-keys/approve-host-key';

const Body = z.strictObject({ node: z.string(), fingerprint: z.string(), hop: z.string().optional() });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/host-keys/approve',
  {
    summary: 'Pins the key that a scan saw on a host or bastion.',
    body: Body,
    response: HostKeyView,
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params, body }) =>
    approveHostKey(ctx, {
      siteId: param(params, 'siteId'),
      nodeId: body.node,
      fingerprint: body.fingerprint,
      hop: body.hop,
    }),
);
