import { apiRoute, param } from '@/app/api-route';
import { toDownload } from '@/app/download';
import { getInventory } from '@/lib/services/bundle/get-inventory';

export const GET = apiRoute(
  'GET /api/v1/sites/[siteId]/inventory',
  {
    summary: 'The newest revision as an Ansible inventory, without secrets.',
    files: { 'application/yaml': 'groups servers, agents and lbs; how to reach each host' },
    errors: ['not-found'],
  },
  async ({ ctx, params }) => {
    const { text, fileName } = await getInventory(ctx, { siteId: param(params, 'siteId') });
    return toDownload(text, { type: 'application/yaml; charset=utf-8', fileName });
  },
);
