import { verifyAudit as verifyChain } from '@/lib/db/audit';
import type { ServiceContext } from '../context';
import { authorise } from '../context';

export interface AuditCheck {
  readonly ok: boolean;
  /** Number of the first bad row and what is wrong with it; null when the chain is whole. */
  readonly firstBadSeq: string | null;
  readonly why: string | null;
  readonly count: string;
}

/** Walks the whole chain (S28). */
export async function verifyAudit(ctx: ServiceContext): Promise<AuditCheck> {
  authorise(ctx, 'audit.view');
  const verdict = await verifyChain(ctx.db.pool, ctx.keys.audit);
  if (verdict.ok) return { ok: true, firstBadSeq: null, why: null, count: verdict.rows.toString() };
  const { badSeq, why } = verdict;
  return { ok: false, firstBadSeq: badSeq.toString(), why, count: (badSeq - 1n).toString() };
}
