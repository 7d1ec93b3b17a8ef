import { SiteNowBody } from '@/lib/health/site-now';
import type { ServiceContext } from '../context';
import { authoriseOnSite } from '../context';

/** What the worker last wrote of a site, or null before the first sample; the reader ages it. */
export async function getSiteNow(
  ctx: ServiceContext,
  input: { siteId: string },
): Promise<SiteNowBody | null> {
  authoriseOnSite(ctx, 'site.view', input.siteId);
  const row = await ctx.db.prisma.siteNow.findFirst({
    where: { siteId: input.siteId, site: { deletedAt: null } },
    select: { body: true },
  });
  return row && SiteNowBody.parse(JSON.parse(row.body));
}
