import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { SiteSecretValue, SiteSecretView } from '@/lib/render/site-secret';
import { removeSiteSecret } from '@/lib/services/site-secrets/remove-site-secret';
import { setSiteSecret } from '@/lib/services/site-secrets/set-site-secret';

export const PUT = apiRoute(
  'PUT /api/v1/sites/[siteId]/secrets/[field]',
  {
    summary:
      'Stores a key of the S3 store, sealed to the workers and never read back, and a revision that uses it.',
    body: z.strictObject({ value: SiteSecretValue }),
    response: SiteSecretView,
    errors: ['conflict'],
  },
  ({ ctx, params, body }) =>
    setSiteSecret(ctx, {
      siteId: param(params, 'siteId'),
      field: param(params, 'field'),
      value: body.value,
    }),
);

export const DELETE = apiRoute(
  'DELETE /api/v1/sites/[siteId]/secrets/[field]',
  { summary: 'Stores a revision without that key; the next plan takes it off the hosts.', status: 204 },
  ({ ctx, params }) =>
    removeSiteSecret(ctx, { siteId: param(params, 'siteId'), field: param(params, 'field') }),
);
