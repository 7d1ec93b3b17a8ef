import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { HostKeyView } from '@/lib/access/host-key-view';
import { revokeHostKey } from '@/lib/services/host-keys/revoke-host-key';

const Body = z.strictObject({ node: z.string(), fingerprint: z.string(), hop: z.string().optional() });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/host-keys/revoke',
  {
    summary: 'Stops trusting a host key; work on the host stops until another is approved.',
    body: Body,
    response: HostKeyView,
    errors: ['conflict', 'precondition-failed'],
  },
  ({ ctx, params, body }) =>
    revokeHostKey(ctx, {
      siteId: param(params, 'siteId'),
      nodeId: body.node,
      fingerprint: body.fingerprint,
      hop: body.hop,
    }),
);
