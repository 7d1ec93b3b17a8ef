import { verifyAudit } from '@/lib/services/audit/verify-audit';
import type { Command } from '../command';
import { withServices } from '../local-database';

export const AUDIT_COMMANDS: readonly Command[] = [
  {
    name: 'audit verify',
    summary: 'Walks the whole chain of the audit and says where it breaks.',
    run: async ({ out }) => {
      const check = await withServices(verifyAudit);
      const bad = `The audit is broken at row ${check.firstBadSeq ?? '?'}: ${check.why ?? ''}. Rows before it: ${check.count}.`;
      out.result(check, check.ok ? `The audit is whole: ${check.count} rows.` : bad);
      return check.ok ? 'done' : 'wanting';
    },
  },
];
