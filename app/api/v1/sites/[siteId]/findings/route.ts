import { z } from 'zod';
import { TopologyDocument, TopologyText } from '@/app/api/openapi/shapes';
import { apiRoute, param } from '@/app/api-route';
import { Finding } from '@/lib/rules/finding';
import { checkFindings } from '@/lib/services/topology/check-findings';

const Body = z.union([z.string(), z.strictObject({ topology: z.unknown().optional() })]);
const MAX_BYTES = 10 * 1_024 * 1_024;

export const POST = apiRoute(
  'POST /api/v1/sites/[siteId]/findings',
  {
    summary: 'Runs the design rules on the stored topology, or on the one that is sent.',
    body: Body,
    bodyShape: z.union([z.strictObject({ topology: TopologyDocument.optional() }), TopologyText]),
    maxBytes: MAX_BYTES,
    response: z.object({ findings: z.array(Finding) }),
  },
  async ({ ctx, params, body }) => {
    const topology = typeof body === 'string' ? body : body.topology;
    return { findings: await checkFindings(ctx, { siteId: param(params, 'siteId'), topology }) };
  },
);
