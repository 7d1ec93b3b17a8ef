import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { deleteSite } from '@/lib/services/sites/delete-site';
import { getSite } from '@/lib/services/sites/get-site';
import { renameSite } from '@/lib/services/sites/rename-site';

const Rename = z.strictObject({ name: z.string() });
const Delete = z.strictObject({ typedName: z.string() });

export const GET = apiRoute('GET /api/v1/sites/[siteId]', {}, ({ ctx, params }) =>
  getSite(ctx, { siteId: param(params, 'siteId') }),
);

export const PATCH = apiRoute('PATCH /api/v1/sites/[siteId]', { body: Rename }, ({ ctx, params, body }) =>
  renameSite(ctx, { siteId: param(params, 'siteId'), ...body }),
);

export const DELETE = apiRoute(
  'DELETE /api/v1/sites/[siteId]',
  { body: Delete, status: 204 },
  ({ ctx, params, body }) => deleteSite(ctx, { siteId: param(params, 'siteId'), ...body }),
);
