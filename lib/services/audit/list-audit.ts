import { z } from 'zod';
import type { AuditView } from '@/lib/access/audit-view';
import type { ServiceContext } from '../context';
import { authorise } from '../context';
import { parseInput } from '../parse-input';

export const ListAuditInput = z.strictObject({
  /** `next` of the page before. */
  before: z
    .string()
    .regex(/^\d{1,19}$/, { error: 'not a cursor', abort: true })
    .refine((text) => BigInt(text) < 2n ** 63n, 'not a cursor')
    .optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

/** The audit, newest first; `next` is the cursor of the following page or null. */
export async function listAudit(
  ctx: ServiceContext,
  input: z.input<typeof ListAuditInput> = {},
): Promise<{ entries: AuditView[]; next: string | null }> {
  authorise(ctx, 'audit.view');
  const { before, limit } = parseInput(ListAuditInput, input);
  const rows = await ctx.db.prisma.audit.findMany({
    where: before ? { seq: { lt: BigInt(before) } } : {},
    orderBy: { seq: 'desc' },
    take: limit + 1,
  });
  const entries = rows
    .slice(0, limit)
    .map((row) => ({ ...row, seq: row.seq.toString(), at: row.at.toISOString() }));
  return { entries, next: rows.length > limit ? (entries.at(-1)?.seq ?? null) : null };
}
