import { apiRoute, param } from '@/app/api-route';
import { openStream } from '@/app/api-stream';

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/health/stream',
  {
    summary: 'Follows what is seen of a site.',
    files: { 'text/event-stream': 'Events hello, site (the site as it is now), tick and end.' },
  },
  ({ ctx, request, params }) =>
    openStream(ctx, request, [{ kind: 'site', siteId: param(params, 'siteId') }], (event) =>
      event.event === 'host-keys' ? [] : [event],
    ),
);
