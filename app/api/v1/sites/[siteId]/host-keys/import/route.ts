import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { importKnownHosts } from '@/lib/services/host-keys/import-known-hosts';

const Body = z.strictObject({ text: z.string() });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/host-keys/import',
  { body: Body },
  ({ ctx, params, body }) => importKnownHosts(ctx, { siteId: param(params, 'siteId'), text: body.text }),
);
