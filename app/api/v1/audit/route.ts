import { apiRoute } from '@/app/api-route';
import { toTextStream } from '@/app/text-stream';
import { exportAudit } from '@/lib/services/audit/export-audit';
import { ListAuditInput, listAudit } from '@/lib/services/audit/list-audit';

export const GET = apiRoute('GET /api/v1/audit', {}, async ({ ctx, query }) => {
  const { format, ...input } = Object.fromEntries(query);
  if (format !== 'jsonl') return listAudit(ctx, ListAuditInput.parse(input));
  return toTextStream(exportAudit(ctx), { type: 'application/jsonl', fileName: 'siteplan-audit.jsonl' });
});
