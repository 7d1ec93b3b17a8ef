import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { HostKeyImport } from '@/lib/access/host-key-import';
import { importKnownHosts } from '@/lib/services/host-keys/import-known-hosts';

const Body = z.strictObject({ text: z.string().describe('A known_hosts file.') });

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/host-keys/import',
  {
    summary: 'Pins host keys from a known_hosts file.',
    body: Body,
    response: HostKeyImport,
    errors: ['conflict'],
  },
  ({ ctx, params, body }) => importKnownHosts(ctx, { siteId: param(params, 'siteId'), text: body.text }),
);
