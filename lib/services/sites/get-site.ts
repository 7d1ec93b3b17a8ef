import type { SiteView } from '@/lib/topology/site-view';
import type { ServiceContext } from '../context';
import { authoriseOnSite, notFound } from '../context';
import { SITE_ROW, toSiteView } from './to-site-view';

/** One site. Throws `not-found`. */
export async function getSite(ctx: ServiceContext, input: { siteId: string }): Promise<SiteView> {
  authoriseOnSite(ctx, 'site.view', input.siteId);
  const row = await ctx.db.prisma.site.findFirst({
    where: { id: input.siteId, deletedAt: null },
    select: SITE_ROW,
  });
  if (!row) throw notFound('site');
  return toSiteView(row);
}
