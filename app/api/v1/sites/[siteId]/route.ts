import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { deleteSite } from '@/lib/services/sites/delete-site';
import { getSite } from '@/lib/services/sites/get-site';
import { renameSite } from '@/lib/services/sites/rename-site';
import { SiteView } from '@/lib/topology/site-view';

const Rename = z.strictObject({ name: z.string() });
const Delete = z.strictObject({ typedName: z.string().describe('The name of the site, typed again.') });

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]',
  { summary: 'Gives a site with its verdict and its active run.', response: SiteView },
  ({ ctx, params }) => getSite(ctx, { siteId: param(params, 'siteId') }),
);

export const PATCH = apiRoute(
  'PATCH /api/v1/sites/[siteId]',
  { summary: 'Gives a site another name.', body: Rename, response: SiteView, errors: ['conflict'] },
  ({ ctx, params, body }) => renameSite(ctx, { siteId: param(params, 'siteId'), ...body }),
);

export const DELETE = apiRoute(
  'DELETE /api/v1/sites/[siteId]',
  {
    summary: 'Takes a site out of Siteplan; its hosts are not touched.',
    body: Delete,
    status: 204,
    errors: ['conflict'],
  },
  ({ ctx, params, body }) => deleteSite(ctx, { siteId: param(params, 'siteId'), ...body }),
);
