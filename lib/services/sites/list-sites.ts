import { toAllowedSites } from '@/lib/access/can';
import type { SiteView } from '@/lib/topology/site-view';
import type { ServiceContext } from '../context';
import { SITE_ROW, toSiteView } from './to-site-view';

/** The sites that the actor may see, by name. */
export async function listSites(ctx: ServiceContext): Promise<SiteView[]> {
  const allowed = toAllowedSites(ctx.actor.grants, 'site.view');
  const rows = await ctx.db.prisma.site.findMany({
    where: { deletedAt: null, ...(allowed !== 'all' && { id: { in: allowed } }) },
    select: SITE_ROW,
    orderBy: { name: 'asc' },
  });
  return rows.map(toSiteView);
}
