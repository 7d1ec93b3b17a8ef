import { z } from 'zod';
import type { HostKeyView } from '@/lib/access/host-key-view';
import { AppError } from '@/lib/core/errors';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { pinHostKeys } from './pin-host-keys';
import { toHostKeyView } from './to-host-key-view';

export const HostKeyInput = z.strictObject({
  siteId: z.string(),
  nodeId: z.string(),
  fingerprint: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'not a SHA256 fingerprint'),
  /** Absent or empty for the node's own key; `address:port` for a bastion on the way to it. */
  hop: z.string().max(300).default(''),
});

/**
 * Which rows one decision is about: a node's own key is its own affair; a bastion is the same host for every node of the
 * site that is reached through it.
 */
export function toRowsOf({ siteId, nodeId, hop, fingerprint }: z.infer<typeof HostKeyInput>) {
  const node = { siteId, removedAt: null, site: { deletedAt: null } };
  return { hop, fingerprint, node, ...(hop === '' && { nodeId }) };
}

/**
 * Pins a key that a scan has seen: a named person vouches for the fingerprint. Every other pinned key of the node (or of
 * the bastion, for all nodes behind it) is revoked with it, whatever its type; only an import pins several at once.
 */
export async function approveHostKey(ctx: ServiceContext, input: unknown): Promise<HostKeyView> {
  const wanted = parseInput(HostKeyInput, input);
  const { siteId, nodeId, fingerprint, hop } = wanted;
  authoriseOnSite(ctx, 'host-key.approve', siteId);
  return transact(ctx, async (tx) => {
    const keys = await tx.prisma.hostKey.findMany({ where: toRowsOf(wanted) });
    const key = keys.find((row) => row.nodeId === nodeId);
    if (!key) throw notFound('host key');
    const isStale = (row: typeof key) => row.revokedAt !== null && row.seenAt <= row.revokedAt;
    if (isStale(key)) {
      throw new AppError(
        'conflict',
        'This key was revoked and not seen since. Scan the host again, then approve it.',
      );
    }
    const { replaced } = await pinHostKeys(
      ctx,
      tx,
      keys.filter((row) => !isStale(row)),
    );
    await tx.audit('host-key.approve', nodeId, {
      siteId,
      fingerprint,
      ...(hop && { hop }),
      replaces: replaced,
    });
    await tx.changed('host-key', siteId);
    return toHostKeyView(
      await tx.prisma.hostKey.findUniqueOrThrow({
        where: { id: key.id },
        include: { node: { select: { name: true } } },
      }),
    );
  });
}
