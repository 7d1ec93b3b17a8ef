import { z } from 'zod';
import { apiRoute } from '@/app/api-route';
import { toTextStream } from '@/app/text-stream';
import { AuditView } from '@/lib/access/audit-view';
import { exportAudit } from '@/lib/services/audit/export-audit';
import { ListAuditInput, listAudit } from '@/lib/services/audit/list-audit';

const Search = ListAuditInput.extend({
  format: z.enum(['json', 'jsonl']).default('json').describe('jsonl: the whole audit, oldest first.'),
});

export const GET = apiRoute(
  'GET /api/v1/audit',
  {
    summary: 'Lists the audit, newest first, or exports all of it with its hashes.',
    search: Search,
    response: z.object({ entries: z.array(AuditView), next: z.string().nullable() }),
    files: { 'application/jsonl': 'The whole audit, one row a line, oldest first.' },
  },
  async ({ ctx, search: { format, ...page } }) => {
    if (format === 'json') return listAudit(ctx, page);
    return toTextStream(exportAudit(ctx), { type: 'application/jsonl', fileName: 'siteplan-audit.jsonl' });
  },
);
