import { z } from 'zod';
import { apiRoute } from '@/app/api-route';
import { createSite } from '@/lib/services/sites/create-site';
import { listSites } from '@/lib/services/sites/list-sites';

const MAX_BYTES = 10 * 1_024 * 1_024;

export const GET = apiRoute('GET /api/v1/sites', {}, async ({ ctx }) => ({ sites: await listSites(ctx) }));

export const POST = apiRoute(
  'POST /api/v1/sites',
  { body: z.unknown(), maxBytes: MAX_BYTES, status: 201 },
  ({ ctx, body }) => createSite(ctx, body),
);
