import { z } from 'zod';
import type { HostKeyView } from '@/lib/access/host-key-view';
import { AppError } from '@/lib/core/errors';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { toHostKeyView } from './to-host-key-view';

export const HostKeyInput = z.strictObject({
  siteId: z.string(),
  nodeId: z.string(),
  fingerprint: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'not a SHA256 fingerprint'),
});

/**
 * Pins a key that a scan has seen: a named person vouches for the fingerprint. Every other pinned key of the node is
 * revoked with it, so that exactly one stays good.
 */
export async function approveHostKey(ctx: ServiceContext, input: unknown): Promise<HostKeyView> {
  const { siteId, nodeId, fingerprint } = parseInput(HostKeyInput, input);
  authoriseOnSite(ctx, 'host-key.approve', siteId);
  return transact(ctx, async (tx) => {
    const key = await tx.prisma.hostKey.findFirst({
      where: { nodeId, fingerprint, node: { siteId, removedAt: null, site: { deletedAt: null } } },
    });
    if (!key) throw notFound('host key');
    if (key.revokedAt && key.seenAt <= key.revokedAt) {
      throw new AppError(
        'conflict',
        'This key was revoked and not seen since. Scan the host again, then approve it.',
      );
    }
    const isPinned = key.approvedAt !== null && key.revokedAt === null;
    const revoked = await tx.prisma.hostKey.findMany({
      where: { nodeId, approvedAt: { not: null }, revokedAt: null, id: { not: key.id } },
      select: { fingerprint: true },
    });
    await tx.prisma.hostKey.updateMany({
      where: { nodeId, approvedAt: { not: null }, revokedAt: null, id: { not: key.id } },
      data: { revokedAt: new Date() },
    });
    const row = await tx.prisma.hostKey.update({
      where: { id: key.id },
      data: isPinned ? {} : { approvedAt: new Date(), approvedBy: ctx.actor.email, revokedAt: null },
      include: { node: { select: { name: true } } },
    });
    await tx.audit('host-key.approve', nodeId, {
      siteId,
      fingerprint,
      replaces: revoked.map((other) => other.fingerprint),
    });
    await tx.changed('host-key', siteId);
    return toHostKeyView(row);
  });
}
