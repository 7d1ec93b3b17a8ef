import type { HostKeyView } from '@/lib/access/host-key-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';
import { toHostKeyView } from './to-host-key-view';

/** Every key ever seen on the present nodes of a site, newest first. */
export async function listHostKeys(ctx: ServiceContext, input: { siteId: string }): Promise<HostKeyView[]> {
  authoriseOnSite(ctx, 'host-key.view', input.siteId);
  const rows = await ctx.db.prisma.hostKey.findMany({
    where: { node: { siteId: input.siteId, removedAt: null, site: { deletedAt: null } } },
    include: { node: { select: { name: true } } },
    orderBy: [{ seenAt: 'desc' }, { id: 'asc' }],
    take: 2_000,
  });
  return rows.map(toHostKeyView);
}
