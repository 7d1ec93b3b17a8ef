import type { HostKeyView } from '@/lib/access/host-key-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { HostKeyInput } from './approve-host-key';
import { toHostKeyView } from './to-host-key-view';

/** Withdraws the trust in a key: nothing connects with it from now on. */
export async function revokeHostKey(ctx: ServiceContext, input: unknown): Promise<HostKeyView> {
  const { siteId, nodeId, fingerprint } = parseInput(HostKeyInput, input);
  authoriseOnSite(ctx, 'host-key.approve', siteId);
  return transact(ctx, async (tx) => {
    const key = await tx.prisma.hostKey.findFirst({
      where: { nodeId, fingerprint, node: { siteId, site: { deletedAt: null } } },
    });
    if (!key) throw notFound('host key');
    const row = await tx.prisma.hostKey.update({
      where: { id: key.id },
      data: { revokedAt: key.revokedAt ?? new Date() },
      include: { node: { select: { name: true } } },
    });
    await tx.audit('host-key.revoke', nodeId, { siteId, fingerprint });
    await tx.changed('host-key', siteId);
    return toHostKeyView(row);
  });
}
