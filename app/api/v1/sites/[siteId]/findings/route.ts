import { z } from 'zod';
import { apiRoute, param } from '@/app/api-route';
import { checkFindings } from '@/lib/services/topology/check-findings';

const Body = z.union([z.string(), z.strictObject({ topology: z.unknown().optional() })]);
const MAX_BYTES = 10 * 1_024 * 1_024;

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/findings',
  { body: Body, maxBytes: MAX_BYTES },
  async ({ ctx, params, body }) => {
    const topology = typeof body === 'string' ? body : body.topology;
    return { findings: await checkFindings(ctx, { siteId: param(params, 'siteId'), topology }) };
  },
);
