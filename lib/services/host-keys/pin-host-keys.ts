import type { HostKey } from '@/lib/db/generated/client';
import { readNow } from '@/lib/db/read-now';
import type { ServiceContext } from '../context';
import type { Transaction } from '../transact';

/**
 * Pins these rows, of one or several hosts, and revokes what else was pinned for the same hosts. Gives the fingerprints
 * that are no longer good, each once.
 */
export async function pinHostKeys(
  ctx: ServiceContext,
  tx: Pick<Transaction, 'prisma' | 'sql'>,
  rows: readonly HostKey[],
): Promise<{ replaced: string[] }> {
  const now = await readNow(tx.sql);
  const places = [...new Map(rows.map((row) => [`${row.nodeId} ${row.hop}`, row])).values()];
  const others = {
    OR: places.map(({ nodeId, hop }) => ({ nodeId, hop })),
    approvedAt: { not: null },
    revokedAt: null,
    id: { notIn: rows.map(({ id }) => id) },
  };
  const replaced = await tx.prisma.hostKey.findMany({ where: others, select: { fingerprint: true } });
  await tx.prisma.hostKey.updateMany({ where: others, data: { revokedAt: now } });
  const unpinned = rows.filter(({ approvedAt, revokedAt }) => approvedAt === null || revokedAt !== null);
  await tx.prisma.hostKey.updateMany({
    where: { id: { in: unpinned.map(({ id }) => id) } },
    data: { approvedAt: now, approvedBy: ctx.actor.email, revokedAt: null },
  });
  return { replaced: [...new Set(replaced.map(({ fingerprint }) => fingerprint))] };
}
