import type { HostKeyView } from '@/lib/access/host-key-view';
import { readNow } from '@/lib/db/read-now';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { parseInput } from '../parse-input';
import { transact } from '../transact';
import { HostKeyInput, toRowsOf } from './approve-host-key';
import { toHostKeyView } from './to-host-key-view';

/**
 * Withdraws the trust in a key, for a bastion on the way to every node: nothing connects with it from now on, and workers
 * end the connections that were made with it.
 */
export async function revokeHostKey(ctx: ServiceContext, input: unknown): Promise<HostKeyView> {
  const wanted = parseInput(HostKeyInput, input);
  const { siteId, nodeId, fingerprint, hop } = wanted;
  authoriseOnSite(ctx, 'host-key.approve', siteId);
  return transact(ctx, async (tx) => {
    const key = await tx.prisma.hostKey.findFirst({
      where: { nodeId, hop, fingerprint, node: { siteId, site: { deletedAt: null } } },
    });
    if (!key) throw notFound('host key');
    await tx.prisma.hostKey.updateMany({
      where: { OR: [{ id: key.id }, toRowsOf(wanted)], revokedAt: null },
      data: { revokedAt: await readNow(tx.sql) },
    });
    await tx.audit('host-key.revoke', nodeId, { siteId, fingerprint, ...(hop && { hop }) });
    await tx.changed('host-key', siteId);
    return toHostKeyView(
      await tx.prisma.hostKey.findUniqueOrThrow({
        where: { id: key.id },
        include: { node: { select: { name: true } } },
      }),
    );
  });
}
